package delivery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// judgedLook is a look as the ledger keeps it.
type judgedLook struct {
	Weight     int
	At         time.Time
	Decision   analysis.Decision
	Trouble    string
	Judgements []analysis.Judgement
}

func lookOf(t *testing.T, data json.RawMessage) (l judgedLook) {
	t.Helper()
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatalf("the judgement %q: %v", data, err)
	}
	return l
}

// judges tells whether an event is a look.
func judges(e ledger.Event) bool { return e.Type == ledger.CandidateJudged }

// passes tells whether an event says that the candidate passed at a weight.
func passes(e ledger.Event) bool { return e.Type == ledger.WeightReached && e.Judged }

// comparing is quickAnalysis, with stable beside it.
func comparing() *delivery.AnalysisSpec {
	spec := quickAnalysis()
	spec.Errors.VersusStable = true
	return spec
}

// atStep gives all of the traffic after one step, at 10 %.
func atStep(pause time.Duration, spec *delivery.AnalysisSpec) delivery.SplitSpec {
	return delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10, Pause: service.Duration(pause)}}, Analysis: spec}
}

// What a step passed on is in the ledger before that it passed: what was counted on both sides, the evidence and its limit.
func TestLooksAreInTheLedger(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}, {Weight: 50}}, Analysis: comparing()}
	if err := p.applyWith(t.Context(), "2", split); err != nil {
		t.Fatal(err)
	}
	_, events := told(t, objects)
	var latest *judgedLook
	passed := map[int]bool{}
	for _, e := range events {
		switch {
		case judges(e):
			l := lookOf(t, e.Judgement)
			if latest = &l; l.At.IsZero() || l.At.After(e.Time.Add(time.Second)) || e.MinVersion != 2 || e.Text == "" || e.Stage != service.StageTrafficSplit {
				t.Errorf("a look at %s: %+v", l.At, e)
			}
		case passes(e) && e.Release == releaseOf("2"):
			passed[*e.Weight] = true
			if latest == nil || latest.Weight != *e.Weight || latest.Decision != analysis.Pass {
				t.Fatalf("passed at %d %% with the look %+v", *e.Weight, latest)
			}
			for _, g := range latest.Judgements {
				if g.Candidate.All < 10 || g.Stable.All == 0 || g.Evidence <= 0 || g.Limit <= g.Evidence {
					t.Errorf("passed at %d %% by %+v", *e.Weight, g)
				}
			}
			if len(latest.Judgements) != 2 {
				t.Errorf("%d rules at %d %%", len(latest.Judgements), *e.Weight)
			}
			latest = nil
		}
	}
	if len(passed) != 3 {
		t.Errorf("passed at %v", passed)
	}
}

// A restore is recorded with the look that decided.
func TestTheDecidingLookIsInTheFailure(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	w.set(func() { w.erring[releaseOf("2")] = true })
	_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, comparing())), "Release Rolled Back")
	state, events := told(t, objects)
	failures := []ledger.Failure{state.LastFailure[releaseOf("2")].Failure}
	for _, e := range events {
		if e.Type == ledger.StageFailed {
			failures = append(failures, *e.Failure)
		}
	}
	for _, f := range failures {
		l := lookOf(t, f.Judgement)
		broken := false
		for _, g := range l.Judgements {
			broken = broken || g.Broken && g.Evidence >= g.Limit && g.Candidate.Bad > 0
		}
		if l.Decision != analysis.Restore || l.Weight != 10 || l.At.IsZero() || !broken {
			t.Errorf("the deciding look is %+v", l)
		}
	}
	if len(failures) != 2 {
		t.Errorf("%d failures", len(failures))
	}
}

// A judgement that wavers does not fill the ledger.
func TestWaveringIsNotedAHundredTimes(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	looks := 0
	w.sampled = func(at service.Placement, s *delivery.Sample) error {
		if at.Release == releaseOf("2") && w.weights[at.Slot] == 10 {
			if looks++; looks < 300 && looks%2 == 0 {
				return analysis.ErrNoData
			}
			if looks < 300 {
				s.Requests = 0 // Too few to pass.
			}
		}
		return nil
	}
	if err := p.applyWith(t.Context(), "2", atStep(0, quickAnalysis())); err != nil {
		t.Fatal(err)
	}
	_, events := told(t, objects)
	noted, last := 0, judgedLook{}
	for _, e := range events {
		if judges(e) && strings.HasPrefix(e.Text, "at 10 %") {
			noted, last = noted+1, lookOf(t, e.Judgement)
		}
	}
	if noted != 100 || last.Decision != analysis.Pass {
		t.Errorf("%d looks at 10 %% are noted (of %d), the last one %+v", noted, looks, last)
	}
}

// A store that is slow to take a look keeps nobody from looking, nor from putting back.
func TestSlowStoreDelaysNoRestore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	seen := make(chan error, 1)
	objects.spoil(func(e ledger.Event) error {
		if !judges(e) || len(seen) > 0 {
			return nil
		}
		w.set(func() { w.erring[releaseOf("2")] = true })
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			back, late := false, time.Now().After(deadline)
			w.set(func() { back = w.weights["blue"] == 100 })
			if back || late {
				if late {
					seen <- errors.New("the traffic is not back while the store is slow")
				} else {
					seen <- nil
				}
				return nil
			}
		}
	}, nil)
	_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(time.Hour, quickAnalysis())), "Release Rolled Back")
	select {
	case err := <-seen:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("no look was noted")
	}
	stands(t, w, p, "1")
}

// Looks that the store refuses for a while are written before the step passes; also at a step after others that had no trouble.
func TestLooksAreWrittenWhenTheStoreAnswersAgain(t *testing.T) {
	t.Parallel()
	const refusals = 3
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	refused := 0
	objects.refuse(func(e ledger.Event) error {
		if judges(e) && strings.HasPrefix(e.Text, "at 100 %") {
			err := error(nil)
			w.set(func() {
				if refused < refusals {
					refused, err = refused+1, errNoAnswer
				}
			})
			return err
		}
		return nil
	})
	w.sampled = func(at service.Placement, s *delivery.Sample) error {
		if w.weights[at.Slot] == 100 && refused < refusals {
			s.Requests = 0 // Nothing passes until then.
		}
		return nil
	}
	if err := p.applyWith(t.Context(), "2", atStep(0, quickAnalysis())); err != nil {
		t.Fatal(err)
	}
	if refused != refusals {
		t.Errorf("%d looks were refused", refused)
	}
	_, events := told(t, objects.memoryStore)
	noted := 0
	for _, e := range events {
		if judges(e) && strings.HasPrefix(e.Text, "at 100 %") {
			noted++
		}
	}
	if noted < 2 {
		t.Errorf("%d looks at 100 %%", noted)
	}
	stands(t, w, p, "2")
}

// A step whose looks cannot be written when it ends has not passed.
func TestLooksThatCannotBeWrittenFailTheStage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	objects.refuse(func(e ledger.Event) error {
		if judges(e) {
			return errNoAnswer
		}
		return nil
	})
	e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, quickAnalysis())), "Release Rolled Back")
	if !strings.Contains(e.What, "write what was judged") || !errors.Is(e.Err, errNoAnswer) {
		t.Errorf("it says: %s", e.Detail())
	}
	stands(t, w, p, "1")
	if f := p.state().LastFailure[releaseOf("2")].Failure; f.Cause != ledger.CauseFault || len(p.state().Held) > 0 {
		t.Errorf("the cause is %q", f.Cause)
	}
}

// A judge that breaks down puts back what was there.
func TestPanicOfALookRestores(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	looks := 0
	w.sampled = func(at service.Placement, _ *delivery.Sample) error {
		if looks++; looks > 6 {
			panic("looked at " + string(at.Release))
		}
		return nil
	}
	e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(time.Hour, quickAnalysis())), "Release Rolled Back")
	if !strings.Contains(e.What, "a defect of the provider") {
		t.Errorf("it says: %s", e.Detail())
	}
	w.set(func() { w.sampled = nil })
	stands(t, w, p, "1")
}

// A source may quote what the release answered: its secrets are kept out of the ledger.
func TestLooksHaveNoSecrets(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	looks := 0
	w.sampled = func(at service.Placement, _ *delivery.Sample) error {
		if looks++; at.Release != releaseOf("1") && looks > 3 && looks < 10 {
			return fmt.Errorf("read the answer %q", secret)
		}
		return nil
	}
	if err := p.applyWith(t.Context(), "secretive", atStep(0, quickAnalysis())); err != nil {
		t.Fatal(err)
	}
	_, events := told(t, objects)
	troubles := 0
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil || strings.Contains(string(data), secret) {
			t.Errorf("%v: %s", err, data)
		}
		if judges(e) && lookOf(t, e.Judgement).Trouble != "" {
			troubles++
		}
	}
	if troubles == 0 {
		t.Error("no trouble was noted")
	}
}
