package delivery_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var errNode = errors.New("node b does not answer")

// ways to roll back to version 1.
var rollBacks = map[string]func(context.Context, *provider) error{
	"operator": func(ctx context.Context, p *provider) error { _, err := p.service().Rollback(ctx, "", ""); return err },
	"checkpoint": func(ctx context.Context, p *provider) error {
		_, err := p.service().RestoreCheckpoint(ctx, "2", true, "")
		return err
	},
	"reverted HCL": func(ctx context.Context, p *provider) error { return p.apply(ctx, "1") },
}

// A part of the router that is gone keeps nobody from rolling back: users of the others are with the release before at once. What was before
// stays up for those of that part, until it is back, or is taken out, and a recovery finishes the rollback.
func TestRollbackWhileAPartOfTheRouterIsGone(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		for finished, finish := range map[string]func(context.Context, *provider) error{
			"recover": func(ctx context.Context, p *provider) error { _, err := p.service().Recover(ctx); return err },
			"apply": func(ctx context.Context, p *provider) error {
				_, err := p.service().Define(ctx, delivery.DefineRequest{Definition: service.Definition{ID: web, Router: &service.Router{}}, Owner: p.state().Owner})
				return err
			},
		} {
			t.Run(name+", then "+finished, func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				w := newWorld()
				p := applied(t, w, newMemoryStore(), "1", "2")
				defer p.close()
				w.set(func() { w.partly, w.data = errNode, "after 2" })
				// However often it is tried, as long as that is so.
				for range 2 {
					e := wantSummary(t, rollBack(ctx, p), "Rollback Unfinished")
					for _, want := range []string{errNode.Error(), "wherever the router answers", "taken out of router.haproxy.nodes", "recover production/web"} {
						if !strings.Contains(e.Detail(), want) {
							t.Errorf("%q is not said: %s", want, e.Detail())
						}
					}
					if name == "reverted HCL" {
						break // Its next try is a Define.
					}
				}
				if w.weights["blue"] != 100 || w.running["blue"] != releaseOf("1") || w.running["green"] != releaseOf("2") || w.data != "after 2" {
					t.Errorf("weights %v, running %v, data %q", w.weights, w.running, w.data)
				}
				if s := p.state(); s.Broken != nil || s.OpenAttempt() == nil {
					t.Errorf("broken %v, open %v", s.Broken, s.OpenAttempt())
				}
				w.set(func() { w.partly = nil })
				if err := finish(ctx, p); err != nil {
					t.Fatal(err)
				}
				stands(t, w, p, "1")
				if want := map[bool]string{true: "before 2", false: "after 2"}[name == "checkpoint"]; w.data != want || len(w.running) != 1 {
					t.Errorf("data %q, want %q; running %v", w.data, want, w.running)
				}
			})
		}
	}
}

// A router that does not answer at all, or is not ready, is found before anything is touched.
func TestRollbackIsRefusedByTheRouter(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		for why, set := range map[error]func(*world, bool){
			errRouter:   func(w *world, on bool) { w.unreachable = on },
			errOperator: func(w *world, on bool) { w.unsplit = map[bool]error{true: errOperator}[on] },
		} {
			t.Run(name+", "+why.Error(), func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				w := newWorld()
				p := applied(t, w, newMemoryStore(), "1", "2")
				defer p.close()
				before, last, data := maps.Clone(w.running), p.state().LastAttempt, w.data
				w.set(func() { set(w, true) })
				e := wantSummary(t, rollBack(ctx, p), "Rollback Refused")
				for _, want := range []string{why.Error(), "Nothing was changed"} {
					if !strings.Contains(e.Detail(), want) {
						t.Errorf("%q is not said: %s", want, e.Detail())
					}
				}
				if said := strings.Contains(e.Detail(), "taken out of router.haproxy.nodes"); said != errors.Is(why, errRouter) {
					t.Errorf("that a node may be taken out is said: %v: %s", said, e.Detail())
				}
				if s := p.state(); !maps.Equal(before, w.running) || w.data != data || s.LastAttempt != last || s.Broken != nil || len(s.Held) > 0 {
					t.Errorf("running %v, data %q, attempt %d, broken %v, held %v", w.running, w.data, s.LastAttempt, s.Broken, s.Held)
				}
				w.set(func() { set(w, false) })
				if err := rollBack(ctx, p); err != nil {
					t.Fatal(err)
				}
				stands(t, w, p, "1")
			})
		}
	}
}

// A rollback that fails while a part of the router is gone, before it moved anything, puts back what ran, and calls nobody.
func TestRollbackFailsWhileAPartOfTheRouterIsGone(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1", "2")
			defer p.close()
			w.set(func() { w.partly, w.sick[releaseOf("1")] = errNode, true })
			e := wantSummary(t, rollBack(t.Context(), p), "Release Rolled Back")
			if !strings.Contains(e.Detail(), errNode.Error()) || len(e.Leftovers) > 0 {
				t.Errorf("it says: %s", e.Detail())
			}
			w.set(func() { w.partly = nil })
			stands(t, w, p, "2")
		})
	}
}

// A candidate is taken out also where the router is not ready for more: the traffic goes back to stable.
func TestCandidateIsTakenOutThoughTheRouterIsNotReady(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := parkedOver1(t, w, newMemoryStore(), 25)
			defer p.close()
			w.set(func() { w.unsplit = errOperator })
			if err := rollBack(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			w.set(func() { w.unsplit = nil })
			stands(t, w, p, "1")
		})
	}
}
