package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// From another machine than the one where a service runs, everything of it would look gone: all that works on more than the record is
// refused before it takes the lease, and what was interrupted stays to be recovered where it can be.
func TestNothingIsDoneFromOutOfReach(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	objects, w := newMemoryStore(), newWorld()
	p := applied(t, w, objects, "1", "2")
	if err := p.applyWith(ctx, "3", delivery.SplitSpec{Weight: 25}); err != nil {
		t.Fatal(err)
	}
	p.close()
	removing := func(what string) bool { return strings.Contains(what, "remove") }
	killedWhen(t, w, objects, removing, func(p *provider) { _, _ = p.service().Rollback(ctx, "", "") })

	far := newWorld()
	far.elsewhere = true
	other := newProvider(t, far, objects)
	before := other.state().Number
	for name, act := range map[string]func() error{
		"recover":  func() error { _, err := other.service().Recover(ctx); return err },
		"rollback": func() error { _, err := other.service().Rollback(ctx, "", ""); return err },
		"restore":  func() error { _, err := other.service().RestoreCheckpoint(ctx, "2", false, ""); return err },
		"accept":   func() error { _, err := other.service().Accept(ctx); return err },
		"apply":    func() error { return other.apply(ctx, "4") },
		"destroy":  func() error { return other.service().StopRelease(ctx, "") },
	} {
		e := wantSummary(t, act(), "Service Out Of Reach")
		var out *delivery.OutOfReach
		if !errors.As(e, &out) || !strings.Contains(e.Error(), "this is b") || !strings.Contains(e.Error(), "Next: Run this on a.") {
			t.Errorf("%s does not say where it is: %v", name, e)
		}
	}
	if after := other.state().Number; after != before {
		t.Errorf("event %d was written from there", after)
	}
	if unheld, err := other.service().Unhold(ctx, ""); err != nil {
		t.Errorf("unhold works on the record alone: %v, %v", unheld, err)
	}
	other.close()
	if len(far.running) > 0 || len(far.files) > 0 {
		t.Errorf("there it left %v, %v", far.running, far.files)
	}

	here := newProvider(t, w, objects)
	defer here.close()
	if _, err := here.service().Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stands(t, w, here, "2")
}

// What the run before placed, while this one waited for the lease, counts: it is asked again, and the lease given back.
func TestReachIsAskedAgainWithTheLease(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	objects, w := newMemoryStore(), newWorld()
	p := applied(t, w, objects, "1")
	p.close()
	before := p.state().Number
	far := newWorld()
	asked := 0
	far.reached = func() {
		asked++
		far.mu.Lock()
		defer far.mu.Unlock()
		far.elsewhere = asked > 1
	}
	other := newProvider(t, far, objects)
	_, err := other.service().Rollback(ctx, "", "")
	_ = wantSummary(t, err, "Service Out Of Reach")
	if len(far.running) > 0 {
		t.Errorf("it started %v", far.running)
	}
	view, err := other.service().Read(ctx)
	if err != nil || view.State.Number != before+2 || view.Alive {
		t.Errorf("the lease was not taken and given back: %d events more, alive %v, %v", view.State.Number-before, view.Alive, err)
	}
	other.close()
}
