package delivery_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// trouble is why there is nothing to judge by, and which policy is about it.
type trouble struct {
	// suffer has what is counted on either side suffer from it.
	suffer func(at service.Placement, s *delivery.Sample) error
	set    func(spec *delivery.AnalysisSpec, policy delivery.Policy, deadline time.Duration)
}

var errRefused = errors.New("connection refused")

func onNoData(spec *delivery.AnalysisSpec, policy delivery.Policy, deadline time.Duration) {
	spec.OnNoData, spec.NoDataDeadline = policy, service.Duration(deadline)
}

func onSourceError(spec *delivery.AnalysisSpec, policy delivery.Policy, deadline time.Duration) {
	spec.OnSourceError, spec.SourceErrorDeadline = policy, service.Duration(deadline)
}

func onSharedFault(spec *delivery.AnalysisSpec, policy delivery.Policy, deadline time.Duration) {
	spec.OnSharedFault, spec.SharedFaultDeadline = policy, service.Duration(deadline)
}

// missing has a business number of the candidate be missing.
func missing(name string, why error) func(service.Placement, *delivery.Sample) error {
	return func(at service.Placement, s *delivery.Sample) error {
		if at.Release == releaseOf("2") {
			delete(s.Series, name)
			s.Missing[name] = why
		}
		return nil
	}
}

var troubles = map[string]trouble{
	"no data":          {func(service.Placement, *delivery.Sample) error { return analysis.ErrNoData }, onNoData},
	"the source fails": {func(service.Placement, *delivery.Sample) error { return errRefused }, onSourceError},
	"both sides suffer": {func(_ service.Placement, s *delivery.Sample) error {
		s.Errors = s.Requests / 2
		return nil
	}, onSharedFault},
	"a business number has no data": {missing("orders", fmt.Errorf("orders: %w", analysis.ErrNoData)), onNoData},
	"a business number fails":       {missing("orders", errRefused), onSourceError},
}

// ordering is comparing with business numbers: orders count, and visits are only told.
func ordering() *delivery.AnalysisSpec {
	spec := comparing()
	least := 0.5
	spec.BurstWindow = time.Millisecond // How orders vary is known after a few looks.
	spec.Business = map[string]analysis.BusinessRule{
		"orders": {Query: "orders", Direction: analysis.Up, VersusStableMin: &least},
		"visits": {Query: "visits", Direction: analysis.Up, VersusStableMin: &least, Handling: analysis.Handling{DryRun: true}},
	}
	return spec
}

// ordered has both sides sell as much for each request.
func ordered(s *delivery.Sample) {
	s.Series["orders"], s.Series["visits"] = s.Requests/2, s.Requests
}

// A policy acts when its trouble has lasted for the deadline, and not before.
func TestPoliciesActAfterTheirDeadline(t *testing.T) {
	t.Parallel()
	const deadline = 300 * time.Millisecond
	for name, trouble := range troubles {
		for policy, summary := range map[delivery.Policy]string{
			delivery.PolicyRestore: "Release Rolled Back", delivery.PolicyPause: "Release Paused", delivery.PolicyContinue: "",
		} {
			t.Run(name+", "+string(policy), func(t *testing.T) {
				t.Parallel()
				w, objects := newWorld(), newMemoryStore()
				p := applied(t, w, objects, "1")
				defer p.close()
				// The procedure counts from its first look with traffic to its last: both lie between these.
				var moved time.Time
				var looked atomic.Bool
				p.process.before = func(_ int, what string) {
					if what == "weights" && !looked.Load() {
						moved = time.Now()
					}
				}
				w.sampled = func(at service.Placement, s *delivery.Sample) error {
					ordered(s)
					if w.weights["green"] == 0 {
						return nil
					}
					looked.Store(true)
					return trouble.suffer(at, s)
				}
				spec := ordering()
				trouble.set(spec, policy, deadline)
				split := delivery.SplitSpec{Weight: 20, Steps: []delivery.Step{{Weight: 10}}, Analysis: spec}
				err := p.applyWith(t.Context(), "2", split)
				lasted := time.Since(moved)
				switch {
				case summary != "":
					e := wantSummary(t, err, summary)
					if e.What == "" || p.state().Failures[releaseOf("2")] != 0 {
						t.Errorf("failures %v: %s", p.state().Failures, e.Detail())
					}
				case err != nil:
					t.Fatal(err)
				}
				if lasted < deadline || policy == delivery.PolicyContinue && lasted < 2*deadline {
					t.Errorf("it acted after %s", lasted)
				}
				wantWarnings := 0
				if policy == delivery.PolicyContinue {
					wantWarnings = 1
				}
				if n := p.warned("Release Not Judged"); n != wantWarnings {
					t.Errorf("%d warnings: %+v", n, p.warnings)
				}
				switch policy { //nolint:exhaustive // only these are tried
				case delivery.PolicyRestore:
					stands(t, w, p, "1")
				case delivery.PolicyContinue:
					if a := p.state().OpenAttempt(); a == nil || a.Judged != 20 {
						t.Errorf("it went on to %+v", a)
					}
				case delivery.PolicyPause:
					if a := p.state().OpenAttempt(); a == nil || a.Weight != 10 || a.Judged != 0 {
						t.Errorf("it is paused as %+v", a)
					}
				}
			})
		}
	}
}

// A trouble that ended before its deadline, and comes back, has not lasted: the deadline is counted anew.
func TestTroubleThatEndsInBetweenIsNone(t *testing.T) {
	t.Parallel()
	const deadline, lasts, wellFor = 3 * time.Second, 1800 * time.Millisecond, 300
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			spec := ordering()
			spec.MinRequests = 1e6
			// It is well for some looks between two spells.
			var spells []time.Time
			well := 0
			w.sampled = func(at service.Placement, s *delivery.Sample) error {
				ordered(s)
				if w.weights["green"] == 0 {
					return nil
				}
				if len(spells) == 0 || well > wellFor && len(spells) == 1 {
					spells = append(spells, time.Now())
				}
				if time.Since(spells[len(spells)-1]) < lasts {
					return trouble.suffer(at, s)
				}
				if well++; len(spells) == 2 {
					s.Requests *= 1e5
					ordered(s)
				}
				return nil
			}
			trouble.set(spec, delivery.PolicyRestore, deadline)
			split := delivery.SplitSpec{Weight: 10, Analysis: spec}
			if err := p.applyWith(t.Context(), "2", split); err != nil {
				t.Fatalf("after %d spells and %d good looks: %v", len(spells), well, err)
			}
			if len(spells) != 2 {
				t.Errorf("%d spells", len(spells))
			}
		})
	}
}

// A business number that decides nothing may be missing as long as it likes.
func TestMissingDryRunFollowsNothing(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]error{"no data": analysis.ErrNoData, "the source fails": errRefused} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			w.sampled = func(at service.Placement, s *delivery.Sample) error {
				ordered(s)
				return missing("visits", why)(at, s)
			}
			spec := ordering()
			onNoData(spec, delivery.PolicyRestore, 0)
			onSourceError(spec, delivery.PolicyRestore, 0)
			if err := p.applyWith(t.Context(), "2", atStep(20*time.Millisecond, spec)); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "2")
		})
	}
}

// What is bad in the initial delay restores nothing, nor does a source that is not there yet; what is bad after it does.
func TestInitialDelay(t *testing.T) {
	t.Parallel()
	const delay = 300 * time.Millisecond
	for name, c := range map[string]struct {
		bad  func(s *delivery.Sample) error
		ends time.Duration // after the step began: what is bad is over
		want string
	}{
		"errors in it":       {func(s *delivery.Sample) error { s.Errors = s.Requests; return nil }, delay - 50*time.Millisecond, ""},
		"no data in it":      {func(*delivery.Sample) error { return analysis.ErrNoData }, delay - 50*time.Millisecond, ""},
		"a failing source":   {func(*delivery.Sample) error { return errRefused }, delay - 50*time.Millisecond, ""},
		"errors after it":    {func(s *delivery.Sample) error { s.Errors = s.Requests; return nil }, time.Hour, "at least"},
		"no data after it":   {func(*delivery.Sample) error { return analysis.ErrNoData }, time.Hour, "no data"},
		"a source that dies": {func(*delivery.Sample) error { return errRefused }, time.Hour, "source of the metrics fails"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			var began time.Time
			bad := 0
			w.sampled = func(at service.Placement, s *delivery.Sample) error {
				if at.Release != releaseOf("2") || w.weights[at.Slot] == 0 {
					return nil
				}
				if began.IsZero() {
					began = time.Now()
				}
				if time.Since(began) < c.ends {
					bad++
					return c.bad(s)
				}
				return nil
			}
			spec := quickAnalysis()
			spec.InitialDelay = service.Duration(delay)
			onNoData(spec, delivery.PolicyRestore, 0)
			onSourceError(spec, delivery.PolicyRestore, 0)
			err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 10, Analysis: spec})
			if bad == 0 {
				t.Error("nothing was bad")
			}
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e := wantSummary(t, err, "Release Rolled Back")
			if c.want != "at least" && !strings.Contains(e.What, c.want) {
				t.Errorf("it says: %s", e.Detail())
			}
			_, events := told(t, objects)
			if stayed := stayedAt(t, events, 10); stayed < delay {
				t.Errorf("it was restored after %s", stayed)
			}
		})
	}
}

// What a look after the initial delay counts may still be of it: a source that could not be read meanwhile shows it late.
func TestFirstCountAfterTheInitialDelayIsOfIt(t *testing.T) {
	t.Parallel()
	const delay = 200 * time.Millisecond
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	var began time.Time
	shown := false
	w.sampled = func(at service.Placement, s *delivery.Sample) error {
		switch {
		case at.Release != releaseOf("2") || w.weights[at.Slot] == 0:
		case began.IsZero():
			began = time.Now() // The marks are set.
		case time.Since(began) < delay+20*time.Millisecond:
			return errRefused
		case !shown:
			shown = true
			s.Requests, s.Errors = 1000, 1000
		}
		return nil
	}
	spec, none := quickAnalysis(), 0
	spec.InitialDelay, spec.Errors.FailureLimit = service.Duration(delay), &none // One bad look is enough.
	if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 10, Analysis: spec}); err != nil || !shown {
		t.Errorf("shown %t: %v", shown, err)
	}
}

// An instance that dies is no cold cache.
func TestDyingInTheInitialDelayRestores(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	w.sampled = func(at service.Placement, _ *delivery.Sample) error {
		if w.weights["green"] == 10 {
			delete(w.running, "green")
		}
		return nil
	}
	spec := quickAnalysis()
	spec.InitialDelay = service.Duration(time.Hour)
	spec.MaxPause = service.Duration(2 * time.Hour)
	e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, spec)), "Release Rolled Back")
	if !strings.Contains(e.What, "died under traffic") {
		t.Errorf("it says: %s", e.Detail())
	}
	stands(t, w, p, "1")
}

// Baking asks for time alone, and no initial delay of its analysis takes that up.
func TestBakingHasNoInitialDelay(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	p.bake = 100 * time.Millisecond
	spec := quickAnalysis()
	spec.InitialDelay = service.Duration(150 * time.Millisecond)
	if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Analysis: spec}); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
	_, events := told(t, objects)
	baked := 0
	for _, e := range events {
		if e.Type == ledger.CandidateJudged && e.Stage == service.StageFinalization {
			baked++
		}
	}
	if baked == 0 {
		t.Error("it was not judged while it baked")
	}
}
