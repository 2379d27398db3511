// Package ledger keeps the append-only record of one service: history, lock and crash journal in one.
//
// It is a sequence of numbered objects, each created only if it does not exist. Who creates number n+1 has the next
// word. State is the pure fold of the events; a lease is a pair of events with a heartbeat between them.
package ledger

import (
	"encoding/json"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Version is the newest version of events that this binary understands. An event says the least version that may
// read it; events are only ever added to in meaning.
const Version = 4

// Type says what an event records.
type Type string

// The types of events.
const (
	ServiceDefined   Type = "service_defined"
	ServiceRetired   Type = "service_retired"
	LeaseAcquired    Type = "lease_acquired"
	LeaseReleased    Type = "lease_released"
	AttemptOpened    Type = "attempt_opened"
	AttemptClosed    Type = "attempt_closed"
	StageOpened      Type = "stage_opened"
	StagePassed      Type = "stage_passed"
	StagePaused      Type = "stage_paused"
	StageFailed      Type = "stage_failed"
	StageForgotten   Type = "stage_forgotten"
	ArgumentsChanged Type = "arguments_changed"
	ChangeIntended   Type = "change_intended"
	ChangeMade       Type = "change_made"
	ReleaseRecorded  Type = "release_recorded"
	ReleaseRemoved   Type = "release_removed"
	WeightReached    Type = "weight_reached"
	CheckpointTaken  Type = "checkpoint_taken"
	CheckpointPruned Type = "checkpoint_pruned"
	RestoreStarted   Type = "restore_started"
	Recovered        Type = "recovered"
	Accepted         Type = "accepted"
	Unheld           Type = "unheld"
	ServiceStopped   Type = "service_stopped"
	Notified         Type = "notified"
	Adopted          Type = "adopted"
	Tidied           Type = "tidied"
	CandidateJudged  Type = "candidate_judged"
	LeftOutStopped   Type = "left_out_stopped"
)

// minVersion is the least Version that may read the event.
func (e Event) minVersion() int {
	switch {
	case len(e.Remaining) > 0:
		return 4
	case len(e.LeftOut) > 0:
		return 3
	case e.Type == CandidateJudged:
		return 2
	}
	return 1
}

// Event is one object of the ledger. The fields behind Type are set as the type needs them.
type Event struct {
	// Number is the event's place in the sequence, from 1 without a gap.
	Number int `json:"number"`
	// MinVersion is the least Version that may read the event.
	MinVersion int `json:"min_version"`
	// Time is on the store's clock.
	Time time.Time `json:"time"`
	// Epoch counts the leases: the event was written by the owner of this one, in Run.
	Epoch int    `json:"epoch"`
	Run   string `json:"run"`
	// Nonce tells a writer whose acknowledgement was lost that the event is its own.
	Nonce string `json:"nonce"`
	Type  Type   `json:"type"`

	Attempt int               `json:"attempt,omitempty"`
	Stage   service.Stage     `json:"stage,omitempty"`
	Release service.ReleaseID `json:"release,omitempty"`
	// Text says in a sentence what people should know.
	Text string `json:"text,omitempty"`

	Definition *service.Definition `json:"definition,omitempty"`
	// Arguments of the resource that defines the service, in the form of internal/provider: the ledger does not look into them.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Owner is the token of the Terraform resource that owns the service or the stage.
	Owner   string           `json:"owner,omitempty"`
	Lease   *LeaseTerms      `json:"lease,omitempty"`
	Opening *Opening         `json:"opening,omitempty"`
	Passage *Passage         `json:"passage,omitempty"`
	Failure *Failure         `json:"failure,omitempty"`
	Closing *Closing         `json:"closing,omitempty"`
	Change  *Change          `json:"change,omitempty"`
	Record  *service.Release `json:"record,omitempty"`
	// LeftOut is what may run from now on on machines that do not answer, and that the records of its releases do not say; with
	// LeftOutStopped what does so no more.
	LeftOut []service.Placement `json:"left_out,omitempty"`
	// Remaining are recorded releases that are neither stable nor kept, and may run still: Recovered and Accepted forget all others.
	Remaining []service.ReleaseID `json:"remaining,omitempty"`
	Weight    *int                `json:"weight,omitempty"`
	// Judged: the weight was not only set, the candidate also passed there (or there was nothing to judge).
	Judged     bool                `json:"judged,omitempty"`
	Checkpoint *service.Checkpoint `json:"checkpoint,omitempty"`
	Snapshot   *service.Snapshot   `json:"snapshot,omitempty"`
	// Unfinished is why a restore, or a rollback, that began could not be brought to its end, and is left to a recovery.
	Unfinished string `json:"unfinished,omitempty"`
	// Deadline is when the stage that this event opens is over at the latest.
	Deadline time.Time `json:"deadline,omitzero"`
	// Spec of the stage that this event opens, in the form of internal/delivery.
	Spec json.RawMessage `json:"spec,omitempty"`
	// Judgement is a look at the candidate that changed something, in the form of internal/delivery.
	Judgement json.RawMessage `json:"judgement,omitempty"`
	// MaxAttempts that may fail on evidence before the release is held.
	MaxAttempts int `json:"max_attempts,omitempty"`

	Adoption *Adoption `json:"adoption,omitempty"`

	// Notify are messages that are due by this event, Channels those that are told.
	Notify   *service.Message `json:"notify,omitempty"`
	Channels []string         `json:"channels,omitempty"`
}

// LeaseTerms says who holds a lease, and how it ends.
type LeaseTerms struct {
	Holder Holder        `json:"holder"`
	Length time.Duration `json:"length"`
	// Orphaned: the run ended after its Terraform was gone, so its last answers reached nobody.
	Orphaned bool `json:"orphaned,omitempty"`
}

// Adoption begins a ledger anew, from what was seen running, in the place of one that is lost.
type Adoption struct {
	// Was is the identity of the store that is lost.
	Was string `json:"was"`
	// Attempt is the number in which Stable came to stand, as Terraform's state remembers it, and Passages what it passed then.
	Attempt  int                       `json:"attempt,omitempty"`
	Passages map[service.Stage]Passage `json:"passages,omitempty"`
	// Stable carries the traffic; empty: nothing runs. Kept are ready to carry it again, newest first.
	Stable service.ReleaseID   `json:"stable,omitempty"`
	Kept   []service.ReleaseID `json:"kept,omitempty"`
	// Candidate was being introduced; empty: none.
	Candidate service.ReleaseID `json:"candidate,omitempty"`
	// Releases records all of them.
	Releases map[service.ReleaseID]service.Release `json:"releases,omitempty"`
}

// Opening says how an attempt begins.
type Opening struct {
	Mode service.Mode `json:"mode"`
	// Replaces is what carried the traffic.
	Replaces service.ReleaseID `json:"replaces,omitempty"`
	// ByOperator: not by Terraform.
	ByOperator bool `json:"by_operator,omitempty"`
	// Reason that the operator gave.
	Reason string `json:"reason,omitempty"`
	// Data is the checkpoint whose data the attempt puts back, as an operator wanted; nil: data is left alone.
	Data *service.Checkpoint `json:"data,omitempty"`
}

// Passage is the fact that a release passed a stage in an attempt.
type Passage struct {
	Attempt int               `json:"attempt"`
	Release service.ReleaseID `json:"release"`
	At      time.Time         `json:"at"`
	// Run that passed it, and Owner, the token of the Terraform resource.
	Run   string `json:"run"`
	Owner string `json:"owner"`
	// Arguments are the resource's, in the form of internal/provider: the ledger does not look into them.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Exports are what the stage computed, likewise for the resource alone.
	Exports json.RawMessage `json:"exports,omitempty"`
	// Spec is the stage's specification in the form of internal/delivery.
	Spec json.RawMessage `json:"spec,omitempty"`
	// ValidFor bounds how long the passage is good until execution begins; 0: for ever.
	ValidFor time.Duration `json:"valid_for,omitempty"`
}

// Cause tells failures apart: only evidence speaks against a release.
type Cause string

// The causes.
const (
	CauseEvidence    Cause = "evidence"
	CauseCancelled   Cause = "cancelled"
	CauseInterrupted Cause = "interrupted"
	CauseFault       Cause = "fault"
	CauseRefused     Cause = "refused"
)

// Failure says why a stage failed.
type Failure struct {
	Cause Cause `json:"cause"`
	// Reason in a sentence, Evidence the numbers and lines that it rests on.
	Reason   string   `json:"reason"`
	Evidence []string `json:"evidence,omitempty"`
	// Judgement is the look that decided, in the form of internal/delivery, where one did.
	Judgement json.RawMessage `json:"judgement,omitempty"`
	// DecidedAt is when it was decided to restore, on the store's clock: before the traffic was moved.
	DecidedAt time.Time `json:"decided_at,omitzero"`
}

// Closing says how an attempt ended.
type Closing struct {
	End service.End `json:"end"`
	// Restored lists what was put back and verified, Leftovers what could not be.
	Restored  []string `json:"restored,omitempty"`
	Leftovers []string `json:"leftovers,omitempty"`
	// Kept are the releases that are kept ready from now on, newest first; only with EndFinalized.
	Kept []service.ReleaseID `json:"kept,omitempty"`
	// Record is the location of the Markdown record.
	Record string `json:"record,omitempty"`
	// Hold the release: no plan may introduce it until it is unheld.
	Hold bool `json:"hold,omitempty"`
}

// Change is one change of the outside world.
type Change struct {
	// ID pairs the intent with the outcome.
	ID int `json:"id"`
	// Action: "place", "start", "stop", "remove", "weights", "backup", "delete backup", "restore". Target: what it is done to.
	Action string `json:"action"`
	Target string `json:"target"`
	// Data names the backup that a "restore" puts back; Place is where a "backup" is written, or deleted.
	Data  string `json:"data,omitempty"`
	Place string `json:"place,omitempty"`
	// Error of the outcome; empty: done.
	Error string `json:"error,omitempty"`
	// Unmoved: the outcome of "weights" that were put back: no weight is another than when the attempt began.
	Unmoved bool `json:"unmoved,omitempty"`
}

// Actions whose changes the state keeps account of.
const (
	ActionBackup       = "backup"
	ActionDeleteBackup = "delete backup"
	ActionWeights      = "weights"
)
