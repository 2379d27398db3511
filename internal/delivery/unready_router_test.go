package delivery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var errOperator = errors.New("permission denied: the socket is of level operator")

// A router that may not be told anything is found by the preflight: nothing is introduced, and nothing has to be put back.
func TestRouterThatIsNotReadyEndsThePreflight(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	w.set(func() { w.unsplit, w.broken["weights"] = errOperator, errOperator })
	e := wantSummary(t, p.apply(t.Context(), "2"), "Preflight Failed")
	if !strings.Contains(e.What, errOperator.Error()) || len(e.Leftovers) > 0 {
		t.Errorf("it says: %s", e.Detail())
	}
	w.set(func() { w.unsplit = nil; delete(w.broken, "weights") })
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
}

// What a router does not take of what a release would add to it is asked before one is put anywhere, and by none of its steps, which leave a line
// in the router's log each time. What runs is rolled back all the same.
func TestRouterThatTakesNothingEndsThePreflight(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	untaken := errors.New("unknown keyword 'chekc'")
	w.set(func() { w.untaken = untaken })
	if e := wantSummary(t, p.apply(t.Context(), "2"), "Preflight Failed"); !strings.Contains(e.What, untaken.Error()) || len(e.Leftovers) > 0 {
		t.Errorf("it says: %s", e.Detail())
	}
	w.set(func() { w.untaken, w.probes = nil, 0 })
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	w.set(func() {
		if w.probes != 2 {
			t.Errorf("it was asked %d times, and not by the preflight and before the release came to its slot", w.probes)
		}
		w.untaken = untaken
	})
	if _, err := p.service().Rollback(t.Context(), releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// What may be somebody else's at the router loses no traffic to a first release, which is refused. Later it has lost it already, and what shows of
// it is a warning, also for a rollback.
func TestStrangersAtTheRouter(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	strangers := &delivery.Strangers{Err: errors.New("server blue-legacy gets requests")}
	w.set(func() { w.unsplit = strangers })
	if e := wantSummary(t, p.apply(t.Context(), "1"), "Preflight Failed"); !strings.Contains(e.What, strangers.Error()) {
		t.Errorf("it says: %s", e.Detail())
	}
	w.set(func() { w.unsplit = nil })
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.unsplit = strangers })
	p.warnings = nil
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.warnings, delivery.Warning{Summary: "Router Needs Attention", Detail: strangers.Error() + "."}) {
		t.Errorf("it warns: %v", p.warnings)
	}
	if _, err := p.service().Rollback(t.Context(), releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// The preflight asks for the servers of stable and of the candidate's slot, also where nothing but its id is known.
func TestPreflightComparesTheRoutersServers(t *testing.T) {
	t.Parallel()
	known := content("2")
	for name, c := range map[string]struct {
		servers map[string][]string
		content *service.Content
		stage   string
	}{
		"stable's are wrong":                     {map[string][]string{"blue": {"elsewhere"}, "green": {"green"}}, nil, "Preflight Failed"},
		"the candidate's are wrong":              {map[string][]string{"blue": {"blue"}, "green": {"elsewhere"}}, &known, "Preflight Failed"},
		"the candidate's are wrong, by its slot": {map[string][]string{"blue": {"blue"}, "green": {"elsewhere"}}, nil, "Preflight Failed"},
	} {
		w, objects := newWorld(), newMemoryStore()
		p := applied(t, w, objects, "1")
		defer p.close()
		p.preflight = delivery.PreflightSpec{Content: c.content}
		w.set(func() { w.servers = c.servers })
		if e := wantSummary(t, p.apply(t.Context(), "2"), c.stage); !strings.Contains(e.What, "elsewhere") || len(e.Leftovers) > 0 {
			t.Errorf("%s: it says: %s", name, e.Detail())
		}
		stands(t, w, p, "1")
	}
}

// A release that was refused before anything was changed is not restored.
func TestUntouchedReleaseNeedsNoRestore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	objects.spoil(func(e ledger.Event) error {
		if e.Type == ledger.StageOpened && e.Stage == service.StageRelease {
			w.set(func() { w.unsplit, w.broken["weights"] = errOperator, errOperator })
		}
		return nil
	}, nil)
	e := wantSummary(t, p.apply(t.Context(), "2"), "Release Failed")
	if !strings.Contains(e.Detail(), "nothing had been changed") || !strings.Contains(e.What, errOperator.Error()) {
		t.Errorf("it says: %s", e.Detail())
	}
	if s := p.state(); s.Broken != nil || s.OpenAttempt() != nil {
		t.Errorf("broken %v, open %v", s.Broken, s.OpenAttempt())
	}
	stands(t, w, p, "1")
}

// Where that is not known, because the run was killed right then, a restore that reads back the right weights succeeds, though it cannot set them.
func TestRestoreOfAnUntouchedReleaseReadsTheWeightsBack(t *testing.T) {
	t.Parallel()
	for _, moved := range []bool{false, true} {
		w := newWorld()
		objects, p := overTheNetwork(t, w, leaseLength)
		opened := false
		objects.spoil(func(e ledger.Event) error {
			opened = opened || e.Type == ledger.StageOpened && e.Stage == service.StageRelease
			return nil
		}, nil)
		p.process.killWhen = func(string) bool { return opened }
		done := make(chan struct{})
		go func() { defer close(done); _ = p.apply(t.Context(), "2") }()
		<-done
		if !p.process.dead() {
			t.Fatal("it was not killed")
		}
		w.set(func() {
			w.broken["weights"] = errOperator
			if moved {
				w.weights = map[string]int{"blue": 50, "green": 50}
			}
		})
		next := newProvider(t, w, objects)
		defer next.close()
		if _, err := next.service().Recover(t.Context()); moved != (err != nil) {
			t.Errorf("moved %t: %v", moved, err)
		}
		if s := next.state(); (s.Broken != nil) != moved {
			t.Errorf("moved %t: broken %v", moved, s.Broken)
		}
	}
}
