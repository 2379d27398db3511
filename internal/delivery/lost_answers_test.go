package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func finalizes(e ledger.Event) bool {
	return e.Type == ledger.AttemptClosed && e.Closing.End == service.EndFinalized
}

// overTheNetwork has release 1 stand, and returns a new run over the network.
func overTheNetwork(t *testing.T, w *world, lease time.Duration) (*network, *provider) {
	t.Helper()
	objects := &network{memoryStore: newMemoryStore()}
	applied(t, w, objects, "1").close()
	return objects, newProviderFor(t, w, objects, lease)
}

// The entry that makes a release stable is written, and its answer is lost, or is not waited for: the traffic never goes back to
// the old release while the ledger says that the new one is stable. The next run finds the two together, whatever it is.
func TestAnswerToTheFinalizationIsLost(t *testing.T) {
	t.Parallel()
	type lost func(objects *network, cancel context.CancelFunc)
	answers := map[string]lost{
		"cancelled": func(objects *network, cancel context.CancelFunc) {
			objects.spoil(func(e ledger.Event) error {
				if finalizes(e) {
					cancel()
					return context.Canceled
				}
				return nil
			}, nil)
		},
		"lost, and so is what was read back": func(objects *network, _ context.CancelFunc) {
			objects.spoil(func(e ledger.Event) error {
				if finalizes(e) {
					objects.fail(true)
					return errNoAnswer
				}
				return nil
			}, nil)
		},
		"cancelled, and not read back": func(objects *network, cancel context.CancelFunc) {
			objects.spoil(func(e ledger.Event) error {
				if finalizes(e) {
					cancel()
					objects.fail(true)
					return context.Canceled
				}
				return nil
			}, nil)
		},
		"cancelled while it hangs": func(objects *network, cancel context.CancelFunc) {
			objects.spoil(nil, func(e ledger.Event) bool {
				if finalizes(e) {
					cancel()
					return true
				}
				return false
			})
		},
	}
	ways := map[string]func(*provider) error{
		"same run":       func(p *provider) error { return p.apply(context.Background(), "2") },
		"apply":          func(p *provider) error { return p.apply(context.Background(), "2") },
		"recover":        func(p *provider) error { _, err := p.service().Recover(context.Background()); return err },
		"reverted apply": func(p *provider) error { return p.apply(context.Background(), "1") },
	}
	for answer, lose := range answers {
		for way, goOn := range ways {
			t.Run(answer+", then "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				lease := leaseLength
				if answer == "cancelled while it hangs" { // It ends with the lease.
					lease = shortLease
				}
				objects, p := overTheNetwork(t, w, lease)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				lose(objects, cancel)
				p.process.before = func(_ int, what string) {
					if what == "weights done" {
						wantTrafficWithStable(t, w, objects.memoryStore)
					}
				}
				first := p.apply(ctx, "2")
				wantTrafficWithStable(t, w, objects.memoryStore)
				oneEndEach(t, objects.memoryStore)
				objects.spoil(nil, nil)
				objects.fail(false)
				if way != "same run" {
					p.close()
					p = newProvider(t, w, objects)
				}
				defer p.close()
				wanted := "2"
				if state := p.state(); state.Stable != releaseOf("2") && way == "recover" || way == "reverted apply" {
					wanted = "1"
				}
				var err error
				for range 3 { // One finds what was left, and refuses; one has found that the lease ran out.
					if err = goOn(p); err == nil {
						break
					}
					if strings.Contains(err.Error(), "Lease Lost") {
						p.close()
						p = newProvider(t, w, objects)
					}
				}
				if err != nil {
					t.Fatalf("after %v it does not come to an end: %v", first, err)
				}
				stands(t, w, p, wanted)
				oneEndEach(t, objects.memoryStore)
				neverCutOff(t, w)
			})
		}
	}
}

// wantTrafficWithStable asserts that what the ledger calls stable, with nothing being introduced, has all of the traffic.
func wantTrafficWithStable(t *testing.T, w *world, m *memoryStore) {
	t.Helper()
	state, _ := told(t, m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if stable := state.StableRelease(); stable != nil && state.OpenAttempt() == nil && w.weights[stable.Placement.Slot] != 100 {
		t.Errorf("the ledger says that %s in slot %s is stable, and the weights are %v", stable.ID, stable.Placement.Slot, w.weights)
	}
}

// A new attempt is written, and neither its answer comes nor can it be read back. Another stage of the same run finds it: no number
// is used twice, and the service goes on.
func TestAnswerToANewAttemptIsLost(t *testing.T) {
	t.Parallel()
	for _, arrives := range []bool{true, false} {
		t.Run(fmt.Sprintf("arrived %t", arrives), func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			objects, p := overTheNetwork(t, w, leaseLength)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var met atomic.Bool
			opens := func(e ledger.Event) bool {
				opened := e.Type == ledger.AttemptOpened
				if opened && !met.Swap(true) {
					time.AfterFunc(shortLease/10, cancel) // It gives up what it cannot find out.
				}
				return opened
			}
			if arrives {
				objects.spoil(func(e ledger.Event) error {
					if opens(e) {
						objects.fail(true)
						return errNoAnswer
					}
					return nil
				}, nil)
			} else {
				objects.spoil(nil, func(e ledger.Event) bool {
					if opens(e) {
						objects.fail(true)
						return true
					}
					return false
				})
			}
			if err := p.apply(ctx, "2"); err == nil || !met.Load() {
				t.Fatalf("the attempt was opened: %t; the apply ended with %v", met.Load(), err)
			}
			objects.spoil(nil, nil)
			objects.fail(false)
			goesOn(t, p, "2")
			stands(t, w, p, "2")
			oneEndEach(t, objects.memoryStore)
			p.close()
			p = newProvider(t, w, objects)
			defer p.close()
			if err := p.apply(context.Background(), "3"); err != nil {
				t.Error(err)
			}
			stands(t, w, p, "3")
		})
	}
}

// goesOn applies until it goes through: the first may find what was left, recover it and refuse.
func goesOn(t *testing.T, p *provider, version string) {
	t.Helper()
	if err := p.apply(context.Background(), version); err != nil {
		_ = wantSummary(t, err, "Service Changed Since Plan")
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
}

// An interrupt right after an attempt was opened ends it: nobody has to recover what never began.
func TestCancelRightAfterTheAttemptIsOpened(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	objects.spoil(func(e ledger.Event) error {
		if e.Type == ledger.AttemptOpened {
			cancel()
		}
		return nil
	}, nil)
	_ = wantSummary(t, p.apply(ctx, "2"), "Release Cancelled")
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	view, err := p.service().Read(context.Background())
	if err != nil || view.Interrupted() != nil {
		t.Errorf("%v: attempt %+v is interrupted", err, view.Interrupted())
	}
	stands(t, w, p, "1")
	oneEndEach(t, objects.memoryStore)
}

// A store that hangs keeps nobody from stable who has given up: the traffic is back at once, though the outcome of the change before
// was never recorded.
func TestCancelWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	const bound, lease = 10 * time.Second, 5 * time.Minute // The store hangs for as long as the lease lasts.
	w := newWorld()
	objects := &network{memoryStore: newMemoryStore()}
	applied(t, w, objects, "1").close()
	p := newProviderFor(t, w, objects, lease)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}}
	set, moved := 0, make(chan struct{})
	p.process.before = func(_ int, what string) {
		if what != "weights done" {
			return
		}
		switch set++; set {
		case 1:
			objects.spoil(nil, func(e ledger.Event) bool { return e.Type == ledger.ChangeMade && e.Change.Action == "weights" })
			time.AfterFunc(10*time.Millisecond, cancel)
		case 2:
			close(moved)
		}
	}
	go func() { _ = p.applyWith(ctx, "2", split) }()
	<-ctx.Done()
	select {
	case <-moved:
	case <-time.After(bound):
		t.Fatalf("the traffic is not with stable %s after the interrupt", bound)
	}
	w.mu.Lock()
	if w.weights["blue"] != 100 {
		t.Errorf("weights are %v", w.weights)
	}
	w.mu.Unlock()
	objects.spoil(nil, nil)
}

// The store dies right after a candidate got its first traffic, which the ledger does not know of yet: it is given back.
func TestStoreDiesAfterTheFirstWeight(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, shortLease)
	p.process.before = func(_ int, what string) {
		if what == "weights done" {
			objects.fail(true)
			objects.spoil(nil, func(ledger.Event) bool { return true })
		}
	}
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}}
	e := wantSummary(t, p.applyWith(context.Background(), "2", split), "Lease Lost")
	w.mu.Lock()
	if w.weights["blue"] != 100 || len(e.Restored) == 0 || !strings.Contains(e.Running, string(releaseOf("1"))) {
		t.Errorf("weights are %v after the store was gone: %s", w.weights, e.Detail())
	}
	w.mu.Unlock()
	objects.spoil(nil, nil)
	objects.fail(false)
	p = newProvider(t, w, objects)
	defer p.close()
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	oneEndEach(t, objects.memoryStore)
}
