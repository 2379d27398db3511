package delivery_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// checkedSplit is a split whose check is called users, and repeated every few milliseconds.
func checkedSplit(pause time.Duration, spec *delivery.AnalysisSpec) delivery.SplitSpec {
	split := atStep(pause, spec)
	split.Checks = map[string]service.Check{"users": {}}
	split.CheckInterval = service.Duration(2 * time.Millisecond)
	return split
}

// rounds counts how often the check of a split ran, by the weight of its release.
type rounds struct {
	mu  sync.Mutex
	ran map[int]int
}

// of has w count its rounds, and then do more, nil: nothing. The first argument of more is the number of the round.
func (r *rounds) of(w *world, more func(n int, ctx context.Context)) {
	r.ran = map[int]int{}
	w.checking = func(ctx context.Context, check string, release service.ReleaseID) {
		if check != "users" {
			return
		}
		w.mu.Lock()
		weight := 0
		for slot, id := range w.running {
			if id == release {
				weight = w.weights[slot]
			}
		}
		w.mu.Unlock()
		r.mu.Lock()
		r.ran[weight]++
		n := r.ran[weight]
		r.mu.Unlock()
		if more != nil {
			more(n, ctx)
		}
	}
}

func (r *rounds) at(weight int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ran[weight]
}

// A check that fails at a step, after it has passed some times, restores with its evidence: with an analysis and without one.
func TestRepeatedCheckThatFailsRestores(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]*delivery.AnalysisSpec{"with an analysis": quickAnalysis(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			var ran rounds
			ran.of(w, func(n int, _ context.Context) {
				if n == 4 {
					w.set(func() { w.failing[releaseOf("2")] = true })
				}
			})
			e := wantSummary(t, p.applyWith(t.Context(), "2", checkedSplit(time.Hour, spec)), "Release Rolled Back")
			if !strings.Contains(e.What, "1 of 1 checks failed: users") || !strings.Contains(strings.Join(e.Evidence, "\n"), "users: asked it; got an answer") {
				t.Errorf("it says: %s", e.Detail())
			}
			if n := ran.at(10); n != 4 {
				t.Errorf("%d rounds", n)
			}
			stands(t, w, p, "1")
			if n := p.state().Failures[releaseOf("2")]; n != 1 {
				t.Errorf("%d failures on evidence", n)
			}
		})
	}
}

// Checks that pass are the requests of a service that has none; without them a step waits in vain.
func TestRepeatedChecksCountAsRequests(t *testing.T) {
	t.Parallel()
	for name, checks := range map[string]bool{"with checks": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			w.sampled = func(_ service.Placement, s *delivery.Sample) error {
				s.Counts = analysis.Counts{}
				return nil
			}
			var ran rounds
			ran.of(w, nil)
			spec := quickAnalysis()
			split := checkedSplit(0, spec)
			if !checks {
				split.Checks, spec.MaxPause = nil, service.Duration(100*time.Millisecond)
				_ = wantSummary(t, p.applyWith(t.Context(), "2", split), "Release Paused")
				return
			}
			if err := p.applyWith(t.Context(), "2", split); err != nil {
				t.Fatal(err)
			}
			if ran.at(10) < spec.MinRequests || ran.at(100) < spec.MinRequests {
				t.Errorf("%d and %d rounds", ran.at(10), ran.at(100))
			}
			stands(t, w, p, "2")
		})
	}
}

// A check that takes long keeps nobody from looking.
func TestSlowCheckBlocksNoLook(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	var ran rounds
	begun := false
	ran.of(w, func(_ int, ctx context.Context) {
		w.set(func() { begun = true })
		<-ctx.Done()
	})
	w.sampled = func(service.Placement, *delivery.Sample) error {
		w.erring[releaseOf("2")] = begun
		return nil
	}
	e := wantSummary(t, p.applyWith(t.Context(), "2", checkedSplit(time.Hour, quickAnalysis())), "Release Rolled Back")
	if !strings.Contains(e.What, "failed") || ran.at(10) != 1 {
		t.Errorf("after %d rounds it says: %s", ran.at(10), e.Detail())
	}
	stands(t, w, p, "1")
}

// A step does not pass while a round of checks that has begun is under way, and not before the first one is over: what it finds counts.
func TestStepWaitsForItsChecks(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]*delivery.AnalysisSpec{"with an analysis": quickAnalysis(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			var ran rounds
			ran.of(w, func(_ int, ctx context.Context) {
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				w.set(func() { w.failing[releaseOf("2")] = true })
			})
			e := wantSummary(t, p.applyWith(t.Context(), "2", checkedSplit(0, spec)), "Release Rolled Back")
			if !strings.Contains(e.What, "checks failed: users") || ran.at(10) != 1 {
				t.Errorf("after %d rounds it says: %s", ran.at(10), e.Detail())
			}
		})
	}
}

// Checks end with their step: none runs any more when the split has passed.
func TestRepeatedChecksEndWithTheirStep(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	var ran rounds
	ran.of(w, nil)
	split := checkedSplit(20*time.Millisecond, quickAnalysis())
	split.Weight = 25
	if err := p.applyWith(t.Context(), "2", split); err != nil {
		t.Fatal(err)
	}
	before := ran.at(10) + ran.at(25)
	time.Sleep(20 * time.Millisecond) // Ten rounds' time; a machine that is too slow for them only finds less.
	if after := ran.at(10) + ran.at(25); after > before || ran.at(25) == 0 {
		t.Errorf("%d rounds, and %d later; %d at the last step", before, after, ran.at(25))
	}
}

// The guard of a parked candidate runs the checks of the split that brought it there.
func TestGuardRunsTheChecks(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]*delivery.AnalysisSpec{"with an analysis": quickAnalysis(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			applied(t, w, objects, "1").close()
			p := newProvider(t, w, objects)
			split := checkedSplit(0, spec)
			split.Weight = 25
			if err := p.applyWith(t.Context(), "2", split); err != nil {
				t.Fatal(err)
			}
			p.close()
			var ran rounds
			ran.of(w, func(n int, _ context.Context) {
				if n == 3 {
					w.set(func() { w.failing[releaseOf("2")] = true })
				}
			})
			p = newProvider(t, w, objects)
			defer p.close()
			_, err := p.service().Guard(t.Context(), func(ledger.Progress) {})
			e := wantSummary(t, err, "Release Rolled Back")
			if !strings.Contains(e.What, "checks failed: users") || ran.at(25) != 3 {
				t.Errorf("after %d rounds it says: %s", ran.at(25), e.Detail())
			}
			stands(t, w, p, "1")
		})
	}
}

// A step ends before its pause is over as soon as enough was seen, where that is wanted; not on nothing, and else not before.
func TestAdvance(t *testing.T) {
	t.Parallel()
	const pause = 700 * time.Millisecond
	for name, c := range map[string]struct {
		advance delivery.Advance
		change  func(*world, *delivery.AnalysisSpec)
		early   bool
		summary string
	}{
		"when confident":              {delivery.WhenConfident, nil, true, ""},
		"after the pause":             {delivery.AfterPause, nil, false, ""},
		"by default":                  {"", nil, false, ""},
		"when confident, blind":       {delivery.WhenConfident, goesOnBlindly, false, ""},
		"when confident, no evidence": {delivery.WhenConfident, seesTooLittle, false, "Release Paused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			spec := quickAnalysis()
			split := atStep(pause, spec)
			split.Advance = c.advance
			if c.early {
				split.Steps[0].Pause = service.Duration(time.Hour)
			}
			if c.change != nil {
				c.change(w, spec)
			}
			err := p.applyWith(t.Context(), "2", split)
			if c.summary != "" {
				_ = wantSummary(t, err, c.summary)
			} else if err != nil {
				t.Fatal(err)
			}
			_, events := told(t, objects)
			if stayed := stayedAt(t, events, 10); !c.early && stayed < pause {
				t.Errorf("it stayed for %s", stayed)
			}
		})
	}
}

// goesOnBlindly: the source fails, and a step goes on without it.
func goesOnBlindly(w *world, spec *delivery.AnalysisSpec) {
	w.blind, spec.OnNoData = analysis.ErrNoData, delivery.PolicyContinue
}

// seesTooLittle: more requests are needed than there will be until the longest stay is over.
func seesTooLittle(_ *world, spec *delivery.AnalysisSpec) {
	spec.MinRequests, spec.MaxPause = 1e9, service.Duration(800*time.Millisecond)
}

// stayedAt is how long the newest candidate was at a weight, until it passed there or the stage ended.
func stayedAt(t *testing.T, events []ledger.Event, weight int) time.Duration {
	t.Helper()
	var from time.Time
	for _, e := range events {
		if e.Type == ledger.WeightReached && *e.Weight == weight && !e.Judged {
			from = e.Time
		}
		if !from.IsZero() && (passes(e) || e.Type == ledger.StagePaused || e.Type == ledger.StageFailed) {
			return e.Time.Sub(from)
		}
	}
	t.Fatalf("no stay at %d %%", weight)
	return 0
}
