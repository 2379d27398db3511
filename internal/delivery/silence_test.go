package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// silentFor has a host not answer for a while; hangs: who asks it waits for as long as it may.
func (w *world) silentFor(host string, d time.Duration, hangs bool) {
	w.set(func() { w.silent[host], w.hanging[host] = true, hangs })
	time.AfterFunc(d, func() {
		w.set(func() { delete(w.silent, host); delete(w.hanging, host) })
	})
}

// A machine that is silent right before the only step that is left says nothing about a release that passed everything: it is waited for, and
// where it stays away that is a fault, and no evidence.
func TestSilenceBeforeTheFinalization(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts time.Duration
		back  bool
	}{"for a while": {40 * time.Second, false}, "for good": {time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				p := newFleet(t, w, "a", "b", "c")
				once := false
				p.process.before = func(_ int, what string) {
					if strings.HasPrefix(what, "created ") && !once && p.stageOpen() == service.StageFinalization {
						once = true
						w.silentFor("b", c.lasts, true)
					}
				}
				err := p.apply(context.Background(), "2")
				if !once {
					t.Fatal("it came to no finalization")
				}
				if !c.back {
					if err != nil {
						t.Fatal(err)
					}
					runsOn(t, w, "2", "green/a", "green/b", "green/c")
					return
				}
				e := &delivery.Error{}
				if !errors.As(err, &e) || !strings.Contains(e.What, "right before it would be finalized: inspect") {
					t.Errorf("it says: %v", err)
				}
				if f := p.state().LastFailure[releaseOf("2")].Failure; f.Cause != ledger.CauseFault || p.state().Failures[releaseOf("2")] != 0 {
					t.Errorf("the cause is %s, %d failures on evidence", f.Cause, p.state().Failures[releaseOf("2")])
				}
			})
		})
	}
}

// So it is before a raise, which waits, and then leaves the candidate where it is.
func TestSilenceBeforeARaise(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts time.Duration
		most  int
	}{"for a while": {40 * time.Second, 100}, "for good": {time.Hour, 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				objects := &network{memoryStore: newMemoryStore()}
				p := newFleetOver(t, w, objects, "a", "b", "c")
				objects.spoil(func(e ledger.Event) error {
					if passes(e) && *e.Weight == 10 {
						w.silentFor("b", c.lasts, false)
					}
					return nil
				}, nil)
				err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}}})
				if c.most == 100 && err != nil {
					t.Fatal(err)
				}
				if c.most < 100 {
					_ = wantSummary(t, err, "Release Paused")
				}
				if got := w.weightOf("green"); got != c.most {
					t.Errorf("it has %d %% of the traffic, want %d %%", got, c.most)
				}
				w.silentFor("b", 0, false)
				time.Sleep(time.Second)
			})
		})
	}
}

// A machine that hangs delays no look at the others after the one that found it so: neither do its probes.
func TestSilentMachineDelaysNoLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := newFleet(t, w, "a", "b", "c")
		looks := 0
		p.process.before = func(_ int, what string) {
			if what == "weights done" && w.weightOf("green") == 50 && looks == 0 {
				w.silentFor("b", 45*time.Second, true)
			}
		}
		w.set(func() {
			w.probing = func(_ context.Context, i service.Instance) {
				if i.Address == "green/a" && w.silent["b"] {
					looks++
				}
			}
		})
		if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50}}}); err != nil {
			t.Fatal(err)
		}
		if looks < 30 {
			t.Errorf("%d looks in 45 s at what answers, where one a second is wanted", looks)
		}
		runsOn(t, w, "2", "green/a", "green/b", "green/c")
	})
}

// A turn that could not read the log passes nothing, whatever the probes say: a line that is denied may stand in it.
func TestUnreadLogPassesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unread int
		want   string
	}{"for a moment": {5, "wrote a line that deny_logs denies"}, "until the deadline": {1 << 30, "the host does not answer"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := newFleet(t, w, "a")
			asked := 0
			w.set(func() {
				w.logged = func(service.ReleaseID) ([]string, error) {
					if asked++; asked <= c.unread {
						return nil, errSilent
					}
					return []string{"FATAL: no schema"}, nil
				}
			})
			p.denied = []string{"FATAL"}
			e := &delivery.Error{}
			if err := p.apply(t.Context(), "2"); !errors.As(err, &e) || !strings.Contains(e.What, c.want) {
				t.Errorf("it says: %v", err)
			}
			if n := p.state().Failures[releaseOf("2")]; (n == 1) != (c.unread < 100) {
				t.Errorf("%d failures on evidence", n)
			}
			w.set(func() { w.logged = nil })
		})
	}
}

// An instance that another release took the place of is none of the release that is about to be finalized.
func TestAnotherReleaseIsNotFinalized(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	p.process.before = func(_ int, what string) {
		if strings.HasPrefix(what, "created ") && p.stageOpen() == service.StageFinalization {
			w.set(func() { w.running["green"] = releaseOf("3") })
		}
	}
	e := wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	if !strings.Contains(e.What, string(releaseOf("3"))+" runs in the place of instance green/0") {
		t.Errorf("it says: %s", e.Detail())
	}
}
