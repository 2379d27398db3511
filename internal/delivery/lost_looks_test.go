package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A machine that is silent for a moment, under traffic, says nothing about the release: its step waits until it is seen again.
func TestMachineSilentForAMomentRestoresNothing(t *testing.T) {
	t.Parallel()
	for name, judgement := range map[string]*delivery.AnalysisSpec{"with an analysis": quickAnalysis(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := newFleet(t, w, "a", "b", "c")
			hid, looks := false, 0
			p.process.before = func(_ int, what string) {
				if what == "weights done" && !hid {
					w.set(func() { hid, w.silent["b"] = true, true })
				}
			}
			w.set(func() {
				w.probing = func(_ context.Context, i service.Instance) {
					if i.Host == "b" && w.silent["b"] {
						if looks++; looks > 5 {
							delete(w.silent, "b")
						}
					}
				}
			})
			if err := p.applyWith(t.Context(), "2", atStep(time.Millisecond, judgement)); err != nil {
				t.Fatal(err)
			}
			if looks <= 5 {
				t.Errorf("b was asked %d times while it was silent", looks)
			}
			runsOn(t, w, "2", "green/a", "green/b", "green/c")
		})
	}
}

// A death on one machine is seen while another one does not answer, and told before it is known whether that one ever will.
func TestDeathBesideASilentMachine(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"silent": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := newFleet(t, w, "a", "b", "c")
			moved := 0
			p.process.before = func(_ int, what string) {
				if what != "weights done" {
					return
				}
				w.set(func() {
					if moved++; moved == 1 {
						w.silent["a"], w.hanging["a"] = true, hangs
						delete(w.running, "green/c")
					} else {
						w.silent, w.hanging = map[string]bool{}, map[string]bool{}
					}
				})
			}
			waited := -1
			w.set(func() {
				w.probing = func(_ context.Context, i service.Instance) {
					if moved == 1 && i.Address == "blue/b" && waited < 0 {
						waited = w.waited
					}
				}
			})
			e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(time.Hour, nil)), "Release Rolled Back")
			if !strings.Contains(e.What, "instance green/c/0 of "+string(releaseOf("2"))+" died under traffic") {
				t.Errorf("it says: %s", e.Detail())
			}
			if waited != 0 {
				t.Errorf("%d looks had waited for a in vain when the restore began", waited)
			}
			runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
		})
	}
}

// What is asked before a raise is asked again before the apply ends for it.
func TestOneLostAnswerBeforeARaisePausesNothing(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	lost := false
	w.set(func() {
		w.probed = func(r service.ReleaseID) error {
			if r == releaseOf("1") && w.running["green"] == releaseOf("2") && !lost {
				lost = true
				return errors.New("no answer, this once")
			}
			return nil
		}
	})
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	if !lost {
		t.Error("stable was not asked")
	}
	stands(t, w, p, "2")
}

// halfway is a service on three hosts whose candidate has half of the traffic for an hour. Its end is told.
func halfway(t *testing.T, leaseLength time.Duration) (*world, *memoryStore, <-chan error) {
	t.Helper()
	w, objects := newWorld(), newMemoryStore()
	p := newProviderFor(t, w, objects, leaseLength)
	p.platform = onHosts("a", "b", "c")
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		failed <- p.applyWith(context.Background(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}})
	}()
	if !becomes(w, func() bool { return w.weights["green"] == 50 }) {
		t.Fatal("the candidate never got its 50 %")
	}
	return w, objects, failed
}

// Where a node of the router is gone when the lease is lost, it is said that the others have the traffic where it belongs, and that one may not.
func TestLostLeaseWhileANodeIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, objects, failed := halfway(t, 20*time.Second)
		w.set(func() { w.partly = errNode })
		objects.fail(true)
		e := wantSummary(t, <-failed, "Lease Lost")
		if weight := w.weightOf("blue"); weight != 100 || len(e.Restored) != 1 || !strings.Contains(e.Restored[0], "wherever the router answers") ||
			len(e.Leftovers) != 1 || !strings.Contains(e.Leftovers[0], "may still send requests to "+string(releaseOf("2"))) {
			t.Errorf("blue has %d %%: %s", weight, e.Detail())
		}
	})
}

// A run that lost its lease gives the traffic back to what mostly serves, as a restore does, while a machine does not answer; also where that one
// keeps who asks it waiting: the time for all of it is what is left until another may have the lease.
func TestLostLeaseGivesBackWhileAMachineIsSilent(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"silent": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const length = 20 * time.Second
				w, objects, failed := halfway(t, length)
				w.silentFor("c", time.Hour, hangs)
				w.set(func() {
					w.moving = func(ctx context.Context) {
						if ends, bounded := ctx.Deadline(); !bounded || time.Until(ends) > length*9/10-length*2/3 {
							t.Errorf("the traffic may move until %s, long after the lease is lost", ends)
						}
					}
				})
				objects.fail(true)
				e := wantSummary(t, <-failed, "Lease Lost")
				if weight := w.weightOf("blue"); weight != 100 || len(e.Restored) == 0 {
					t.Errorf("blue has %d %%: %s", weight, e.Detail())
				}
			})
		})
	}
}

// A run that has almost no time left when its lease is lost does not blame stable for that; with time to ask, it says who does not answer.
func TestLostLeaseWithoutTimeToAsk(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration]string{
		3 * time.Second:  "no time was left to ask whether stable " + string(releaseOf("1")) + " answers",
		30 * time.Second: "stable " + string(releaseOf("1")) + " does not answer",
	} {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, objects, failed := halfway(t, length)
				w.silentFor("b", time.Hour, true)
				w.silentFor("c", time.Hour, true)
				objects.fail(true)
				e := wantSummary(t, <-failed, "Lease Lost")
				if !strings.Contains(strings.Join(e.Leftovers, "\n"), "traffic was not moved: "+want) {
					t.Errorf("it says: %s", e.Detail())
				}
				w.silentFor("b", 0, false)
				w.silentFor("c", 0, false)
				time.Sleep(time.Second)
			})
		})
	}
}
