package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A candidate that answers no probe under traffic, while its process lives, is restored: with an analysis that finds nothing wrong, and
// without one.
func TestStuckUnderTrafficIsRestored(t *testing.T) {
	t.Parallel()
	for name, judgement := range map[string]*delivery.AnalysisSpec{"with an analysis": quickAnalysis(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			p.process.before = func(_ int, what string) {
				if what == "weights done" {
					w.set(func() { w.sick[releaseOf("2")] = true })
				}
			}
			split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}, Analysis: judgement}
			e := wantSummary(t, p.applyWith(context.Background(), "2", split), "Release Rolled Back")
			if !strings.Contains(e.What, "does not answer under traffic") || !strings.Contains(strings.Join(e.Evidence, "\n"), "connection refused") {
				t.Errorf("it says: %s", e.Detail())
			}
			stands(t, w, p, "1")
			if n := p.state().Failures[releaseOf("2")]; n != 1 {
				t.Errorf("%d failures on evidence, want 1", n)
			}
		})
	}
}

// One probe without an answer is no evidence: the network's may be lost.
func TestOneLostProbeRestoresNothing(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	lost := false
	w.set(func() {
		w.probed = func(r service.ReleaseID) error {
			if r == releaseOf("2") && w.weights["green"] > 0 && !lost {
				lost = true
				return errors.New("no answer, this once")
			}
			return nil
		}
	})
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	if !lost {
		t.Error("nothing was probed under traffic")
	}
	stands(t, w, p, "2")
}

// A release that does not answer is not finalized: it would be the only one.
func TestFinalizationRefusesAStuckRelease(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	p.process.before = func(_ int, what string) {
		if strings.HasPrefix(what, "created ") && p.stageOpen() == service.StageFinalization {
			w.set(func() { w.sick[releaseOf("2")] = true })
		}
	}
	e := wantSummary(t, p.apply(context.Background(), "2"), "Release Rolled Back")
	if !strings.Contains(e.What, "does not answer") {
		t.Errorf("it says: %s", e.Detail())
	}
	p.process.before = nil
	stands(t, w, p, "1")
}

// stageOpen is the stage that is open now.
func (p *provider) stageOpen() service.Stage {
	p.t.Helper()
	state := p.state()
	if a := state.OpenAttempt(); a != nil {
		return a.Stage
	}
	return ""
}

// Metrics that are not to be had say nothing about a release: where that restores it, it is a fault, and never holds it.
func TestBlindRestoreIsNoEvidence(t *testing.T) {
	t.Parallel()
	for name, blind := range map[string]error{"no data": analysis.ErrNoData, "the source fails": errors.New("connection refused")} {
		t.Run(name, func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			w.set(func() { w.blind = blind })
			spec := quickAnalysis()
			spec.OnNoData, spec.OnSourceError = delivery.PolicyRestore, delivery.PolicyRestore
			split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}}, Analysis: spec}
			for range ledger.DefaultMaxAttempts + 1 {
				_ = wantSummary(t, p.applyWith(context.Background(), "2", split), "Release Rolled Back")
				stands(t, w, p, "1")
			}
			state := p.state()
			if state.Failures[releaseOf("2")] != 0 || len(state.Held) > 0 {
				t.Errorf("failures %v, held %v: want none", state.Failures, state.Held)
			}
			if cause := state.LastFailure[releaseOf("2")].Failure.Cause; cause != ledger.CauseFault {
				t.Errorf("the cause is %q", cause)
			}
			w.set(func() { w.blind = nil })
			if err := p.apply(context.Background(), "2"); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "2")
		})
	}
}

// A guard restores what is parked and cannot be judged, where its policy is that, and it is no evidence either.
func TestGuardRestoresBlindly(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	spec := quickAnalysis()
	spec.OnNoData = delivery.PolicyRestore
	if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 25, Analysis: spec}); err != nil {
		t.Fatal(err)
	}
	p.close()
	w.set(func() { w.blind = analysis.ErrNoData })
	p = newProvider(t, w, objects)
	defer p.close()
	_, err := p.service().Guard(t.Context(), func(ledger.Progress) {})
	_ = wantSummary(t, err, "Release Rolled Back")
	stands(t, w, p, "1")
	if n := p.state().Failures[releaseOf("2")]; n != 0 {
		t.Errorf("%d failures on evidence", n)
	}
}

// A step that goes on without a judgement says so, once.
func TestUnjudgedIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	spec := quickAnalysis()
	spec.OnNoData = delivery.PolicyContinue
	if err := p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 10, Analysis: spec}); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.blind = analysis.ErrNoData })
	passage := p.state().Standing(service.StageTrafficSplit, 0, epochLater())
	request := delivery.Request{Release: releaseOf("2"), Owner: passage.Owner, PriorAttempt: passage.Attempt, Seen: passage.Attempt, WorstCase: time.Minute}
	outcome, err := p.service().Shift(ctx, request, delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(50 * time.Millisecond)}}, Analysis: spec})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, warning := range outcome.Warnings {
		if warning.Summary == "Release Not Judged" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times: %+v", told, outcome.Warnings)
	}
}
