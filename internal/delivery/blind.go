package delivery

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// What to do when there is nothing to judge by: no data, a source that fails, and a fault that both sides share are three
// things, each with a policy and a deadline of its own. None of them says anything about the release.

// errBlind is the failure of a release that cannot be judged where its policy is to restore then.
var errBlind = errors.New("it cannot be judged")

// blindness is why there is nothing to judge by.
type blindness int

const (
	sees blindness = iota
	noData
	sourceFails
	sharedFault
)

// says what is the matter.
func (b blindness) says() string {
	return [...]string{"it is judged", "the metrics have no data", "the source of the metrics fails", "both sides suffer"}[b]
}

// policy of the spec, and how long the blindness must have lasted before it acts.
func (b blindness) policy(s *AnalysisSpec) (Policy, time.Duration) {
	switch b {
	case noData:
		return s.OnNoData, s.NoDataDeadline.D()
	case sourceFails:
		return s.OnSourceError, s.SourceErrorDeadline.D()
	case sharedFault:
		return s.OnSharedFault, s.SharedFaultDeadline.D()
	case sees:
	}
	return PolicyWait, 0
}

// troubles are what keeps a judge from judging, and since when.
type troubles struct {
	kind  blindness
	since time.Time
	// warned: it was told that a step went on without a judgement.
	warned bool
}

func (t *troubles) over() { t.kind = sees }

// now decides what to do while kind keeps from judging, for a reason.
func (t *troubles) now(j *judge, kind blindness, reason string) (enough bool, trouble string, err error) {
	if t.kind != kind {
		t.kind, t.since = kind, time.Now()
	}
	policy, deadline := kind.policy(j.spec)
	if time.Since(t.since) < deadline {
		return false, reason, nil
	}
	switch policy {
	case PolicyRestore:
		// That says nothing about the release.
		return false, reason, fmt.Errorf("%s: %w: %s", j.candidate.ID, errBlind, reason)
	case PolicyPause:
		return false, reason, &pausedError{reason: reason}
	case PolicyContinue:
		if !t.warned {
			t.warned = true
			j.warn("Release Not Judged", fmt.Sprintf("%s goes on without a judgement, as its policy says: %s.", j.candidate.ID, reason))
		}
		return true, reason, nil
	case PolicyWait:
	}
	return false, reason, nil
}

// blind is a look at which the source gave nothing.
func (j *judge) blind(at ledger.Progress, kind blindness, cause string) (enough bool, trouble string, err error) {
	reason := kind.says() + ": " + cause
	at.Text = fmt.Sprintf("%s at %d %%: %s", j.candidate.ID, at.Weight, reason)
	j.tell(at)
	j.notes.look(j.note, at, j.last, reason)
	return j.troubles.now(j, kind, reason)
}

// missing tells which business numbers that decide something could not be measured, and why.
func missing(spec *AnalysisSpec, why map[string]error) (blindness, string) {
	kind, texts := noData, []string(nil)
	for _, name := range slices.Sorted(maps.Keys(why)) {
		if spec.Business[name].DryRun {
			continue
		}
		if !errors.Is(why[name], analysis.ErrNoData) {
			kind = sourceFails
		}
		texts = append(texts, fmt.Sprintf("business %s: %s", name, why[name]))
	}
	if len(texts) == 0 {
		return sees, ""
	}
	return kind, kind.says() + ": " + strings.Join(texts, "; ")
}
