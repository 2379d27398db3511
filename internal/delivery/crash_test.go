package delivery_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

func epochLater() time.Time { return time.Now().Add(-time.Minute) }

// crash runs act in a process that is killed at a point, and tells whether the point was reached.
func crash(t *testing.T, w *world, objects store.Store, point int, act func(*provider)) bool {
	t.Helper()
	p := newProvider(t, w, objects)
	p.process.killAt = point
	p.toItsEnd(act)
	if !p.process.dead() {
		p.close()
		return false
	}
	return true
}

// killedWhen runs act in a process that is killed at the first point of which when says so.
func killedWhen(t *testing.T, w *world, objects store.Store, when func(what string) bool, act func(*provider)) {
	t.Helper()
	p := newProvider(t, w, objects)
	p.process.killWhen = when
	p.toItsEnd(act)
	if !p.process.dead() {
		t.Fatal("the point at which it was to be killed was not reached")
	}
}

// toItsEnd runs act until it returns, or its process is killed.
func (p *provider) toItsEnd(act func(*provider)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		act(p)
	}()
	<-done
}

// scenario is something that a run does to a service, and that a kill interrupts.
type scenario struct {
	before []string
	// parked is a release that stays at 25 % before the kill; world makes another world than the usual one.
	parked string
	world  func() *world
	spoil  func(*world)
	apply  string
	mend   func(*world)
	// operate is what is killed instead of an apply; data is what it leaves the service's at.
	operate func(*provider) error
	data    string
}

var scenarios = map[string]scenario{
	"over a parked candidate": {before: []string{"1"}, parked: "2", apply: "3"},
	"back from a parked one":  {before: []string{"1"}, parked: "2", apply: "1"},
	"without a router":        {before: []string{"1"}, apply: "2", world: withoutRouter},
	"one slot":                {before: []string{"1"}, apply: "2", world: oneSlot},
	"one slot, restored": {before: []string{"1"}, apply: "2", world: oneSlot,
		spoil: func(w *world) { w.failing[releaseOf("2")] = true }, mend: func(w *world) { w.failing = map[service.ReleaseID]bool{} }},

	"operator's restore of a checkpoint": {before: []string{"1", "2"}, apply: "1", data: "of 1", spoil: func(w *world) { w.data = "of 2" },
		operate: func(p *provider) error {
			_, err := p.service().RestoreCheckpoint(context.Background(), "2", true, "")
			return err
		}},
	"operator's rollback": {before: []string{"1", "2"}, apply: "1", operate: func(p *provider) error {
		_, err := p.service().Rollback(context.Background(), "", "")
		return err
	}},
	"operator's rollback of a parked one": {before: []string{"1"}, parked: "2", apply: "1", operate: func(p *provider) error {
		_, err := p.service().Rollback(context.Background(), "", "")
		return err
	}},

	"introduction": {before: []string{"1"}, apply: "2"},
	"first":        {apply: "1"},
	"restore": {before: []string{"1"}, apply: "2", spoil: func(w *world) { w.erring[releaseOf("2")] = true },
		mend: func(w *world) { w.erring = map[service.ReleaseID]bool{} }},
	"rollback":                  {before: []string{"1", "2"}, apply: "1"},
	"rollback without a router": {before: []string{"1", "2"}, apply: "1", world: withoutRouter},
	"rollback in one slot":      {before: []string{"1", "2"}, apply: "1", world: oneSlot},
}

// begin makes the world in which the scenario is to happen.
func (s scenario) begin(t *testing.T) (*world, *memoryStore) {
	t.Helper()
	w, objects := newWorld(), newMemoryStore()
	if s.world != nil {
		w = s.world()
	}
	p := newProvider(t, w, objects)
	if w.data = s.data; w.data != "" {
		p.backups = map[string]service.Backup{"orders": {}}
	}
	for _, version := range s.before {
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
	if s.parked != "" {
		if err := p.applyWith(context.Background(), s.parked, delivery.SplitSpec{Weight: 25}); err != nil {
			t.Fatal(err)
		}
	}
	p.close()
	if s.spoil != nil {
		s.spoil(w)
	}
	return w, objects
}

// act does what is to be killed.
func (s scenario) act(p *provider) error {
	if s.operate != nil {
		return s.operate(p)
	}
	return p.apply(context.Background(), s.apply)
}

// end recovers what is left, and asserts that the same can be had then.
func (s scenario) end(t *testing.T, w *world, objects *memoryStore) {
	t.Helper()
	recovered(t, w, objects, s.before, s.apply)
	oneEndEach(t, objects)
	if s.mend != nil {
		s.mend(w)
	}
	after := newProvider(t, w, objects)
	if err := after.apply(context.Background(), s.apply); err != nil {
		t.Errorf("apply again: %v", err)
	} else {
		stands(t, w, after, s.apply)
	}
	if s.operate != nil {
		if err := s.operate(after); err != nil && !strings.Contains(err.Error(), "Nothing To Roll Back To") {
			t.Errorf("the command again: %v", err)
		}
	}
	if w.data != s.data {
		t.Errorf("the data is %q, want %q", w.data, s.data)
	}
	after.close()
	oneEndEach(t, objects)
	neverCutOff(t, w)
}

// The engine is killed before and after every append and every change of the world, in an introduction, a restore and a
// rollback. After each, a recovery brings world and record together, and the same apply goes through.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, ledgers := s.begin(t)
			for point := 1; ; point++ {
				w, objects := begun.copied(), ledgers.copied()
				if !crash(t, w, objects, point, func(p *provider) { _ = s.act(p) }) {
					t.Logf("%d points", point-1)
					return
				}
				if s.end(t, w, objects); t.Failed() {
					t.Fatalf("killed at point %d", point)
				}
			}
		})
	}
}

// recovered recovers and asserts that the service is as before or as wanted, and nothing in between.
func recovered(t *testing.T, w *world, objects store.Store, before []string, wanted string) {
	t.Helper()
	p := newProvider(t, w, objects)
	defer p.close()
	if p.state().Definition == nil {
		return
	}
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatalf("recover: %v", err)
	}
	w.later()
	state := p.state()
	if a := state.OpenAttempt(); a != nil {
		betweenStages(t, w, state, a)
		return
	}
	switch {
	case state.Stable == "" && len(before) == 0:
		if len(w.running) != 0 {
			t.Errorf("%v runs, and no ledger knows it", w.running)
		}
	case state.Stable == releaseOf(wanted):
		stands(t, w, p, wanted)
	default:
		stands(t, w, p, before[len(before)-1])
	}
}

func withoutRouter() *world {
	w := newWorld()
	w.router = false
	return w
}

func oneSlot() *world {
	w := withoutRouter()
	w.slots = []string{"blue"}
	return w
}

// betweenStages asserts what holds of an attempt that is open and at rest: the candidate is where the ledger says, with the
// weight that it says, and stable runs and has the rest.
func betweenStages(t *testing.T, w *world, state *ledger.State, a *ledger.Attempt) {
	t.Helper()
	if a.Busy() {
		t.Errorf("attempt %d is still busy after a recovery", a.Number)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	known := map[string][]service.ReleaseID{} // One that is kept ready, and wanted again, lies in the slot where it ran.
	for _, r := range []*service.Release{state.StableRelease(), state.Candidate()} {
		if r != nil {
			known[r.Placement.Slot] = append(known[r.Placement.Slot], r.ID)
		}
	}
	for slot, running := range w.running {
		if !slices.Contains(known[slot], running) {
			t.Errorf("slot %s runs %s, and the ledger knows %q there", slot, running, known[slot])
		}
	}
	candidate := state.Candidate()
	if w.router && candidate != nil && w.weights[candidate.Placement.Slot] != a.Weight {
		t.Errorf("weights are %v, and the ledger says that %s has %d", w.weights, candidate.ID, a.Weight)
	}
	if w.router && candidate == nil && state.Stable != "" && w.weights[state.StableRelease().Placement.Slot] != 100 {
		t.Errorf("weights are %v, and there is no candidate", w.weights)
	}
}
