package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// State is what a service's events come to.
type State struct {
	// Number and Nonce of the last event; 0 and "" for an empty ledger.
	Number int    `json:"number"`
	Nonce  string `json:"nonce"`

	// Origin is the nonce of the first event: it tells this ledger from one that took its place.
	Origin string `json:"origin,omitempty"`

	Definition *service.Definition `json:"definition,omitempty"`
	// Arguments that defined it, as its user wrote them; empty where no resource did.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Owner is the token of the Terraform resource that owns the service. Retired: nobody owns it.
	Owner   string `json:"owner,omitempty"`
	Retired bool   `json:"retired,omitempty"`
	// DefinedRun is the run that defined the service last.
	DefinedRun string `json:"defined_run,omitempty"`

	// AdoptedFrom is the identity of a store that is lost, whose place this ledger took; empty for one from the beginning.
	AdoptedFrom string `json:"adopted_from,omitempty"`

	// Epoch counts the leases; Lease is the one that is held, nil if none is; LeaseRun its run.
	Epoch         int         `json:"epoch"`
	Lease         *LeaseTerms `json:"lease,omitempty"`
	LeaseRun      string      `json:"lease_run,omitempty"`
	LeaseAcquired time.Time   `json:"lease_acquired,omitzero"`
	// LostRuns are runs whose last answers may have reached nobody: killed, or orphaned. Newest last, bounded.
	LostRuns []string `json:"lost_runs,omitempty"`

	// Attempts that can still matter, oldest first: the open one, those of Stable and Kept, the last ones that ended.
	Attempts []Attempt `json:"attempts,omitempty"`
	// LastAttempt is the number of the newest attempt.
	LastAttempt int `json:"last_attempt"`

	// Stable carries the traffic; Kept are kept ready, newest first. Releases records them and the open candidate.
	Stable   service.ReleaseID                     `json:"stable,omitempty"`
	Kept     []service.ReleaseID                   `json:"kept,omitempty"`
	Releases map[service.ReleaseID]service.Release `json:"releases,omitempty"`
	// LeftOut is what may run on machines that rollbacks went on without, beside Releases: of the release that each went back to, whether
	// it was started there or not, and of those that had run before. A machine is left out as long as stable's own is in it.
	LeftOut []service.Placement `json:"left_out,omitempty"`
	// Untidy is the number of the attempt that was finalized last, where what its release took the place of is not known to be stopped and
	// removed; 0: it is, or an operator took it as it is.
	Untidy int `json:"untidy,omitempty"`

	// Broken is set while a restore has failed and neither recover nor accept has brought world and record together.
	Broken *Broken `json:"broken,omitempty"`
	// Held releases, and why. Failures on evidence by release.
	Held     map[service.ReleaseID]string `json:"held,omitempty"`
	Failures map[service.ReleaseID]int    `json:"failures,omitempty"`
	// Tries counts attempts by release since it last stood; LastFailure is why the newest of them ended.
	Tries       map[service.ReleaseID]int         `json:"tries,omitempty"`
	LastFailure map[service.ReleaseID]LastFailure `json:"last_failure,omitempty"`

	// Checkpoints that are retained, oldest first.
	Checkpoints []CheckpointRef `json:"checkpoints,omitempty"`
	// Discard are places of backups that no checkpoint lists (any more), and that are not deleted yet.
	Discard []string `json:"discard,omitempty"`
	// Pending changes: intended, outcome unknown. For people who look into a ledger: what is there is inspected, not concluded from this.
	Pending    []Change `json:"pending,omitempty"`
	LastChange int      `json:"last_change"`
	// Due are messages not yet delivered, oldest first.
	Due []DueMessage `json:"due,omitempty"`
}

// Attempt is one try at introducing one release.
type Attempt struct {
	Number     int               `json:"number"`
	Release    service.ReleaseID `json:"release"`
	Mode       service.Mode      `json:"mode"`
	Replaces   service.ReleaseID `json:"replaces,omitempty"`
	ByOperator bool              `json:"by_operator,omitempty"`
	// Reason that the operator gave.
	Reason string `json:"reason,omitempty"`
	// Data is the checkpoint whose data the attempt puts back.
	Data *service.Checkpoint `json:"data,omitempty"`
	// Run that opened it, by the event FirstEvent.
	Run        string    `json:"run"`
	FirstEvent int       `json:"first_event"`
	OpenedAt   time.Time `json:"opened_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	// EndedRun is the run that ended it.
	EndedRun string      `json:"ended_run,omitempty"`
	End      service.End `json:"end,omitempty"`
	// Undone: finalized, and taken back by a later rollback.
	Undone bool `json:"undone,omitempty"`
	// TakenOver: it is what ran before the service was defined, and no run introduced it.
	TakenOver bool `json:"taken_over,omitempty"`
	// Accepted: its restore failed, and an operator took what runs for the stable release.
	Accepted bool `json:"accepted,omitempty"`
	// Stage that is open now, empty between stages, since StageOpenedAt and at the latest until Deadline.
	Stage         service.Stage `json:"stage,omitempty"`
	StageOpenedAt time.Time     `json:"stage_opened_at,omitzero"`
	Deadline      time.Time     `json:"deadline,omitzero"`
	// Split is the specification of the traffic split that was opened last: a parked candidate is judged by it.
	Split json.RawMessage `json:"split,omitempty"`
	// Executing: the release stage was opened, so a candidate may be there.
	Executing bool `json:"executing,omitempty"`
	// Paused: the last stage ended with a pause.
	Paused string `json:"paused,omitempty"`
	// Unmoved: no change of the router's weights was intended in it, but for ones that were put back at once. False where that is not known.
	Unmoved bool `json:"unmoved,omitempty"`
	// Restoring: a restore began and has not ended.
	Restoring bool     `json:"restoring,omitempty"`
	Failure   *Failure `json:"failure,omitempty"`
	// Unfinished is why its restore, or its rollback, could not be brought to its end the last time; empty where it was not left so.
	Unfinished string `json:"unfinished,omitempty"`
	// Saving are the places of backups that were begun for a checkpoint that is not taken.
	Saving []string `json:"saving,omitempty"`
	// DataRestored names the backups that were put back: what was written since is not lost a second time.
	DataRestored []string `json:"data_restored,omitempty"`
	// Ending says how the attempt is to end when its restore is done, where that is not simply restored.
	Ending *Closing `json:"ending,omitempty"`
	// Weight the candidate reached, in whole percent.
	Weight int `json:"weight"`
	// Judged is the highest weight that it passed, never above Weight.
	Judged      int                       `json:"judged"`
	MaxAttempts int                       `json:"max_attempts,omitempty"`
	Passages    map[service.Stage]Passage `json:"passages,omitempty"`
	Checkpoint  *service.Checkpoint       `json:"checkpoint,omitempty"`
	Record      string                    `json:"record,omitempty"`
	Restored    []string                  `json:"restored,omitempty"`
	Leftovers   []string                  `json:"leftovers,omitempty"`
}

// Broken says which attempt's restore failed, and what is left.
type Broken struct {
	Attempt   int      `json:"attempt"`
	Leftovers []string `json:"leftovers,omitempty"`
}

// LastFailure is why the newest attempt of a release ended.
type LastFailure struct {
	Attempt int           `json:"attempt"`
	Stage   service.Stage `json:"stage,omitempty"`
	Failure Failure       `json:"failure"`
	Record  string        `json:"record,omitempty"`
}

// CheckpointRef names a retained checkpoint.
type CheckpointRef struct {
	ID       string   `json:"id"`
	Attempt  int      `json:"attempt"`
	Location string   `json:"location"`
	Data     []string `json:"data,omitempty"`
}

// DueMessage is a message for one channel.
type DueMessage struct {
	Channel string          `json:"channel"`
	Message service.Message `json:"message"`
}

// Stands tells whether passing a stage in this attempt still counts.
func (a Attempt) Stands() bool {
	return !a.Undone && (a.End == "" || a.End == service.EndFinalized || a.Accepted)
}

// Open tells whether the attempt has no end yet.
func (a Attempt) Open() bool { return a.End == "" }

// Busy tells whether a stage or a restore is under way, so that losing its owner interrupts the attempt. So it does
// before the first stage: nothing of such an attempt is in any state, so that no later apply would come across it.
func (a Attempt) Busy() bool {
	return a.Open() && (a.Stage != "" || a.Restoring || a.StageOpenedAt.IsZero())
}

// OpenAttempt is the attempt without an end; nil if there is none.
func (s *State) OpenAttempt() *Attempt {
	if n := len(s.Attempts); n > 0 && s.Attempts[n-1].Open() {
		return &s.Attempts[n-1]
	}
	return nil
}

// Attempt finds an attempt by number; nil if it is not there any more.
func (s *State) Attempt(number int) *Attempt {
	for i := range s.Attempts {
		if s.Attempts[i].Number == number {
			return &s.Attempts[i]
		}
	}
	return nil
}

// StableRelease is the record of the release that carries the traffic; nil if there is none.
func (s *State) StableRelease() *service.Release {
	if r, found := s.Releases[s.Stable]; found && s.Stable != "" {
		return &r
	}
	return nil
}

// Candidate is the record of the open attempt's release where it is not stable; nil if there is none.
func (s *State) Candidate() *service.Release {
	a := s.OpenAttempt()
	if a == nil || a.Release == s.Stable {
		return nil
	}
	if r, found := s.Releases[a.Release]; found {
		return &r
	}
	return nil
}

// Wanted tells how a release would be introduced now: a release that is stable or kept ready is rolled back to.
func (s *State) Wanted(release service.ReleaseID) service.Mode {
	switch {
	case s.Stable == "":
		return service.ModeInstall
	case release == s.Stable || slices.Contains(s.Kept, release):
		return service.ModeRollback
	}
	return service.ModeUpdate
}

// Standing is the newest passage of a stage in an attempt that still stands; nil: none. void is the number of an
// attempt that is to be read as if it did not stand (interrupted: about to be restored), 0 for none.
func (s *State) Standing(stage service.Stage, void int, now time.Time) *Passage {
	for i := len(s.Attempts) - 1; i >= 0; i-- {
		a := s.Attempts[i]
		p, passed := a.Passages[stage]
		if !passed || !a.Stands() || a.Number == void || s.Expired(a, p, now) {
			continue
		}
		return &p
	}
	return nil
}

// Expired tells whether a passage is no longer good: execution has not begun within its time.
func (s *State) Expired(a Attempt, p Passage, now time.Time) bool {
	return a.Open() && !a.Executing && p.ValidFor > 0 && now.After(p.At.Add(p.ValidFor))
}

// StandingAttempt is the newest attempt that stands, nil if none does.
func (s *State) StandingAttempt() *Attempt {
	for i := len(s.Attempts) - 1; i >= 0; i-- {
		if s.Attempts[i].Stands() {
			return &s.Attempts[i]
		}
	}
	return nil
}

// AnswerLost tells whether the answer to a stage that passed may have reached nobody: its run was lost, and had not gone on to
// another stage, which it only does with the answer delivered.
func (s *State) AnswerLost(p Passage) bool {
	a := s.Attempt(p.Attempt)
	if a == nil || !slices.Contains(s.LostRuns, p.Run) || a.StageOpenedAt.After(p.At) {
		return false
	}
	for _, later := range a.Passages {
		if later.Run == p.Run && later.At.After(p.At) {
			return false
		}
	}
	return true
}

// DefinitionLost is AnswerLost for the definition of the service: its run was lost, and had not begun an attempt. To take over what
// runs already is part of defining it.
func (s *State) DefinitionLost() bool {
	return slices.Contains(s.LostRuns, s.DefinedRun) &&
		!slices.ContainsFunc(s.Attempts, func(a Attempt) bool { return a.Run == s.DefinedRun && !a.TakenOver })
}
