package delivery_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// everySecond is an analysis with looks that far apart.
func everySecond() *delivery.AnalysisSpec {
	spec := quickAnalysis()
	spec.Interval = service.Duration(time.Second)
	return spec
}

// turns has what runs in green answer with errors from when the returned function is called.
func (w *world) turns() (bad func()) {
	is := false
	w.set(func() {
		w.sampled = func(p service.Placement, s *delivery.Sample) error {
			s.Counts = analysis.Counts{Requests: 100}
			if is && p.Slot == "green" {
				s.Errors = 90
			}
			return nil
		}
	})
	return func() { w.set(func() { is = true }) }
}

// A machine that is silent before a raise hides no candidate that is bad meanwhile: it is judged all the time, and goes at once.
func TestSilenceBeforeARaiseHidesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts, bad time.Duration
		hangs      bool
	}{
		"for a while":          {40 * time.Second, 0, false},
		"for good":             {time.Hour, 0, false},
		"that hangs":           {time.Hour, 0, true},
		"turning bad later on": {time.Hour, 30 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				objects := &network{memoryStore: newMemoryStore()}
				p := newFleetOver(t, w, objects, "a", "b", "c")
				turn := w.turns()
				var began time.Time
				objects.spoil(func(e ledger.Event) error {
					if passes(e) && *e.Weight == 10 {
						w.silentFor("b", c.lasts, c.hangs)
						began = time.Now().Add(c.bad)
						time.AfterFunc(c.bad, turn)
					}
					return nil
				}, nil)
				most, took := 0, time.Duration(0)
				p.process.before = func(_ int, what string) {
					if what == "weights done" {
						most = max(most, w.weightOf("green"))
						if w.weightOf("green") == 0 && took == 0 {
							took = time.Since(began)
						}
					}
				}
				err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}, {Weight: 50}}, Analysis: everySecond()})
				e := &delivery.Error{}
				if !errors.As(err, &e) || !strings.Contains(e.What, "requests failed") {
					t.Errorf("it says: %v", err)
				}
				if n := p.state().Failures[releaseOf("2")]; most != 10 || n != 1 {
					t.Errorf("it had %d %% at most, and %d failures on evidence", most, n)
				}
				if took > 20*time.Second {
					t.Errorf("traffic moved %s after the errors began", took)
				}
				w.silentFor("b", 0, false)
				time.Sleep(time.Second)
			})
		})
	}
}

// A machine that hangs delays the restore on errors by no more than it takes to go on without it.
func TestMachineThatHangsDelaysNoRestore(t *testing.T) {
	t.Parallel()
	took := map[bool]time.Duration{}
	for _, hangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			p := newFleet(t, w, "a", "b", "c")
			turn := w.turns()
			var began time.Time
			p.process.before = func(_ int, what string) {
				if what == "weights done" && began.IsZero() {
					began = time.Now().Add(5500 * time.Millisecond)
					time.AfterFunc(time.Until(began), func() {
						turn()
						if hangs {
							w.silentFor("b", 45*time.Second, true)
						}
					})
				}
			}
			w.set(func() {
				w.moving = func(context.Context) {
					if took[hangs] == 0 && !began.IsZero() {
						took[hangs] = time.Since(began)
					}
				}
			})
			err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10, Pause: service.Duration(time.Minute)}}, Analysis: everySecond()})
			if err == nil {
				t.Error("it was not restored")
			}
			w.silentFor("b", 0, false)
			time.Sleep(time.Second)
		})
	}
	if late := took[true] - took[false]; late > 3*time.Second {
		t.Errorf("traffic moved after %s, and after %s with a machine that hangs", took[false], took[true])
	}
}

// An instance that has a minute to answer, and hangs, delays no look at the others, and none at what they did: a candidate that fails meanwhile is
// restored on errors before its probe is over, and a death is seen.
func TestInstanceThatHangsDelaysNoLook(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]bool{"errors": false, "a death": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				p := newFleet(t, w, "a", "b", "c")
				p.probeTimeout = time.Minute
				turn := w.turns()
				stuck, took := false, time.Duration(0)
				var began time.Time
				w.set(func() {
					w.stuck = func(i service.Instance) bool { return stuck && i.Address == "green/b" }
					w.moving = func(context.Context) {
						if took == 0 && !began.IsZero() {
							took = time.Since(began)
						}
					}
				})
				p.process.before = func(_ int, what string) {
					if what != "weights done" || !began.IsZero() {
						return
					}
					w.set(func() { stuck = true })
					began = time.Now().Add(5 * time.Second)
					time.AfterFunc(5*time.Second, func() {
						if dies {
							w.set(func() { w.died = map[string]int{"green/b": 1} })
						} else {
							turn()
						}
					})
				}
				spec := everySecond()
				if dies {
					spec = nil
				}
				_ = wantSummary(t, p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10, Pause: service.Duration(5 * time.Minute)}}, Analysis: spec}), "Release Rolled Back")
				if took > 20*time.Second {
					t.Errorf("traffic moved %s after it began", took)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// Checks ask the instances: one that fails while a machine is silent says nothing, and is repeated before the step ends. One that still fails
// then is evidence.
func TestChecksThatFailInSilence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hangs, fails, short bool
		spec                *delivery.AnalysisSpec
	}{
		"a machine that is silent": {}, "one that hangs": {hangs: true}, "with an analysis": {hangs: true, spec: everySecond()},
		"and that fail on": {fails: true}, "and that fail on at one that hangs": {hangs: true, fails: true},
		"as the step would end": {short: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				p := newFleet(t, w, "a", "b", "c")
				_ = w.turns()
				ran, failed, from, pause := 0, 0, 2, time.Minute
				if c.short {
					from, pause = 1, time.Second
				}
				w.set(func() {
					w.checking = func(_ context.Context, check string, r service.ReleaseID) {
						if check != "users" {
							return
						}
						w.set(func() {
							if ran++; ran == from {
								w.silent["b"], w.hanging["b"] = true, c.hangs
								time.AfterFunc(18*time.Second, func() { w.set(func() { delete(w.silent, "b"); delete(w.hanging, "b") }) })
							}
							if w.failing[r] = w.silent["b"] || c.fails && ran >= from; w.failing[r] {
								failed++
							}
						})
					}
				})
				split := checkedSplit(pause, c.spec)
				split.CheckInterval = service.Duration(7 * time.Second)
				most, began := 0, time.Now()
				p.process.before = func(int, string) { most = max(most, w.weightOf("green")) }
				err := p.applyWith(t.Context(), "2", split)
				if c.fails {
					if most > 10 {
						t.Errorf("it had %d %%", most)
					}
					e := wantSummary(t, err, "Release Rolled Back")
					if took := time.Since(began); !strings.Contains(e.What, "checks failed: users") || took < 18*time.Second || took > 50*time.Second {
						t.Errorf("after %s it says: %s", took, e.Detail())
					}
					return
				}
				if err != nil || failed < 2 {
					t.Errorf("%d rounds failed: %v", failed, err)
				}
			})
		})
	}
}

// A guard goes on while a machine is silent for good, with what it has seen so far.
func TestGuardGoesOnInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, objects := newWorld(), newMemoryStore()
		p := newFleetOver(t, w, objects, "a", "b", "c")
		if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 25, Analysis: everySecond()}); err != nil {
			t.Fatal(err)
		}
		turn := w.turns()
		w.silentFor("b", 4*time.Minute, false)
		time.AfterFunc(3*time.Minute, turn)
		told, began, moved := false, time.Now(), time.Duration(0)
		w.set(func() { w.moving = func(context.Context) { moved = cmp.Or(moved, time.Since(began)) } })
		_, err := p.service().Guard(t.Context(), func(p ledger.Progress) {
			if strings.Contains(p.Text, "tries again") {
				t.Errorf("after %s the guard says: %s", time.Since(began), p.Text)
			}
			told = told || strings.Contains(p.Text, "does not answer")
		})
		_ = wantSummary(t, err, "Release Rolled Back")
		if !told || moved > 3*time.Minute+30*time.Second {
			t.Errorf("traffic moved after %s, told of the silence: %t", moved, told)
		}
		time.Sleep(time.Minute)
	})
}

// A guard does not leave a candidate whose checks fail its traffic because a machine is silent for good; that is a fault, and no evidence.
func TestGuardWhoseChecksFailInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, objects := newWorld(), newMemoryStore()
		p := newFleetOver(t, w, objects, "a", "b", "c")
		split := checkedSplit(0, nil)
		split.Weight, split.CheckInterval = 25, service.Duration(10*time.Second)
		if err := p.applyWith(t.Context(), "2", split); err != nil {
			t.Fatal(err)
		}
		w.silentFor("b", time.Hour, false)
		began, moved := time.Now(), time.Duration(0)
		time.AfterFunc(10*time.Minute, func() { w.set(func() { w.failing[releaseOf("2")] = true }) })
		w.set(func() { w.moving = func(context.Context) { moved = cmp.Or(moved, time.Since(began)) } })
		_, err := p.service().Guard(t.Context(), func(ledger.Progress) {})
		var e *delivery.Error
		if !errors.As(err, &e) || !strings.Contains(e.Detail(), "it cannot be judged: ") || !strings.Contains(e.Detail(), "checks failed: users") || !strings.Contains(e.Detail(), "a machine is silent: ") {
			t.Errorf("it says: %v", err)
		}
		if moved < 10*time.Minute || moved > 11*time.Minute {
			t.Errorf("traffic moved after %s", moved)
		}
		if n := p.state().Failures[releaseOf("2")]; n != 0 {
			t.Errorf("%d failures on evidence", n)
		}
		time.Sleep(2 * time.Hour) // the machine is back
	})
}
