package delivery_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// With one slot the old release is stopped before the new one is started. What the platform cannot hand over is told before that, and never
// with its value.
func TestWhatCannotBeHandedOverIsRefusedBeforeAnythingStops(t *testing.T) {
	t.Parallel()
	wanted := content("secretive")
	for name, c := range map[string]struct {
		preflight delivery.PreflightSpec
		summary   string
	}{
		"by the preflight that knows the content": {delivery.PreflightSpec{Content: &wanted}, "Preflight Failed"},
		"by the release itself":                   {delivery.PreflightSpec{}, "Release Failed"},
	} {
		w := newWorld()
		w.slots, w.router = []string{"blue"}, false
		p := applied(t, w, newMemoryStore(), "1")
		defer p.close()
		started := len(w.started)
		w.set(func() { w.unfit = func(_, value string) bool { return value == secret } })
		p.preflight = c.preflight
		e := wantSummary(t, p.apply(t.Context(), "secretive"), c.summary)
		if !strings.Contains(e.Detail(), "cannot be passed") || strings.Contains(e.Detail(), secret) || len(w.started) != started {
			t.Errorf("%s: it says: %s", name, e.Detail())
		}
		stands(t, w, p, "1")
	}
}

// A release goes on only where what it would come back to could be started again.
func TestStableThatCannotBeHandedOverIsNothingToGoBackTo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "secretive")
	defer p.close()
	w.set(func() { w.unfit = func(_, value string) bool { return value == secret } })
	e := wantSummary(t, p.apply(t.Context(), "2"), "Preflight Failed")
	if !strings.Contains(e.Detail(), "could not be started again: the value of ") {
		t.Errorf("it says: %s", e.Detail())
	}
	stands(t, w, p, "secretive")
}

// With one slot, too, a preflight asks the machines for all that a release needs of them, while the old one runs: what is missing would show when
// that is stopped.
func TestRoomIsAskedForBesideWhatLeavesTheOnlySlot(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.slots, w.router = []string{"blue"}, false
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	p.platform = onHosts("a", "b")
	for _, version := range []string{"1", "2"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	started := len(w.started)
	w.set(func() { w.full = map[string]string{"b": "there is no user web"} })
	e := wantSummary(t, p.apply(t.Context(), "3"), "Preflight Failed")
	if !strings.Contains(e.Detail(), "Host b: there is no user web") && !strings.Contains(e.Detail(), "host b: there is no user web") || len(w.started) != started {
		t.Errorf("it says: %s", e.Detail())
	}
}

// What a release needs for its first start alone keeps none from coming back: a rollback does not look at its log.
func TestRollbackAsksForNoLog(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.slots, w.router = []string{"blue"}, false
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	p.denied = []string{"panic"}
	for _, version := range []string{"1", "2"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.unread = true })
	if err := p.apply(t.Context(), "3"); err == nil || !strings.Contains(err.Error(), "the journal cannot be read") || len(w.running) != 1 {
		t.Errorf("a new release: %v, and %v runs", err, w.running)
	}
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Error(err)
	}
}
