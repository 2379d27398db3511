package delivery_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

var errReadOnly = errors.New("read-only file system")

// What an earlier release left and cannot be removed now keeps nobody from going back: it is told.
func TestRollbackWhileSomethingIsNotTidied(t *testing.T) {
	t.Parallel()
	for name, rollBack := range map[string]func(context.Context, *provider) (string, error){
		"operator": func(ctx context.Context, p *provider) (string, error) { return p.service().Rollback(ctx, "", "") },
		"reverted HCL": func(ctx context.Context, p *provider) (string, error) {
			err := p.apply(ctx, "2")
			if e := (*delivery.Error)(nil); errors.As(err, &e) && e.Summary == "Finalization Failed" {
				err = nil // It comes after the rollback, and is what tidies.
			}
			for _, warning := range p.warnings {
				if strings.HasPrefix(warning.Detail, "NOT TIDIED") {
					return warning.Detail, err
				}
			}
			return "", err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1", "2")
			defer p.close()
			w.set(func() { w.broken["remove"] = errReadOnly })
			if err := p.apply(t.Context(), "3"); err != nil {
				t.Fatal(err)
			}
			said, err := rollBack(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"NOT TIDIED", errReadOnly.Error(), "recover production/web"} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said: %s", want, said)
				}
			}
			if s := p.state(); s.Stable != releaseOf("2") || w.weightOf("green") != 100 || w.running["green"] != releaseOf("2") || s.Untidied() == nil {
				t.Errorf("stable is %s, weights %v, running %v, untidied %v", s.Stable, w.weights, w.running, s.Untidied())
			}
			w.set(func() { delete(w.broken, "remove") })
			if _, err := p.service().Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "2")
		})
	}
}

// What runs where the rollback is about to start its release has to go first: else it is refused, and nothing is touched.
func TestRollbackIsRefusedByWhatIsInItsWay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	p.keep = 2
	for _, version := range []string{"2", "3"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.silent["b"] = true })
	if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil {
		t.Fatal(err)
	}
	w.set(func() { delete(w.silent, "b"); w.broken["remove"] = errReadOnly })
	before, last := maps.Clone(w.running), p.state().LastAttempt
	for _, rollBack := range []func() (string, error){
		func() (string, error) { return p.service().Rollback(ctx, releaseOf("1"), "") },
		func() (string, error) { return p.service().RestoreCheckpoint(ctx, "2", false, "") },
	} {
		_, err := rollBack()
		if err == nil || !strings.Contains(err.Error(), string(releaseOf("3"))+" is in the way of "+string(releaseOf("1"))) || !errors.Is(err, errReadOnly) {
			t.Fatalf("it says: %v", err)
		}
		if s := p.state(); !maps.Equal(before, w.running) || s.LastAttempt != last || s.Broken != nil {
			t.Errorf("running %v, want %v; attempt %d, broken %v", w.running, before, s.LastAttempt, s.Broken)
		}
	}
	w.set(func() { delete(w.broken, "remove") })
	if _, err := p.service().Rollback(ctx, releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}
