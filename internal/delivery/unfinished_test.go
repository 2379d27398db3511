package delivery_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// finishes are what brings an attempt that is not finished to its end: a recovery, and the apply that takes the part of the router out.
var finishes = map[string]func(context.Context, *provider) error{
	"recover": func(ctx context.Context, p *provider) error { _, err := p.service().Recover(ctx); return err },
	"apply": func(ctx context.Context, p *provider) error {
		_, err := p.service().Define(ctx, delivery.DefineRequest{Definition: service.Definition{ID: web, Router: &service.Router{}}, Owner: p.state().Owner})
		return err
	},
}

// A candidate is taken out while a part of the router is gone: users of the others are with stable at once. The candidate stays up for the rest,
// until a recovery, or an apply that takes that part out, finishes it. No person has to mend a broken service for that.
func TestCandidateIsTakenOutWhileAPartOfTheRouterIsGone(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		for finished, finish := range finishes {
			t.Run(name+", then "+finished, func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				w := newWorld()
				p := parkedOver1(t, w, newMemoryStore(), 25)
				defer p.close()
				w.set(func() { w.partly = errNode })
				for range 2 { // However often it is tried, as long as that is so.
					e := wantSummary(t, rollBack(ctx, p), "Rollback Unfinished")
					wantSaid(t, e.Detail(), errNode.Error(), "wherever the router answers", "stays up for it", "taken out of router.haproxy.nodes", "recover production/web")
					if name == "reverted HCL" {
						break // Its next try is a Define.
					}
				}
				if s := p.state(); s.Broken != nil || s.OpenAttempt() == nil || !s.OpenAttempt().Busy() {
					t.Errorf("broken %v, open %v", s.Broken, s.OpenAttempt())
				}
				if w.weightOf("blue") != 100 || w.running["blue"] != releaseOf("1") || w.running["green"] != releaseOf("2") {
					t.Errorf("weights %v, running %v", w.weights, w.running)
				}
				w.set(func() { w.partly = nil })
				if err := finish(ctx, p); err != nil {
					t.Fatal(err)
				}
				stands(t, w, p, "1")
				if held := len(p.state().Held) > 0; held != (name != "reverted HCL") {
					t.Errorf("held are %v", p.state().Held)
				}
			})
		}
	}
}

// To go back further, what has the place of the release has to be stopped first, to which a part of the router that is gone may still send
// requests: that is refused before anything is touched, and what can be done at once is said.
func TestRollbackPastACandidateWhileAPartOfTheRouterIsGone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "1", "2")
	defer p.close()
	if err := p.applyWith(ctx, "3", delivery.SplitSpec{Weight: 25}); err != nil {
		t.Fatal(err)
	}
	running, weights := maps.Clone(w.running), maps.Clone(w.weights)
	w.set(func() { w.partly = errNode })
	for _, rollBack := range []func() error{
		func() error { _, err := p.service().Rollback(ctx, releaseOf("1"), ""); return err },
		func() error { _, err := p.service().RestoreCheckpoint(ctx, "2", false, ""); return err },
		func() error { return p.apply(ctx, "1") },
	} {
		e := wantSummary(t, rollBack(), "Rollback Refused")
		wantSaid(t, e.Detail(), errNode.Error(), string(releaseOf("3")), "rollback production/web`, without a release", "taken out", "Nothing was changed")
		if s := p.state(); !maps.Equal(running, w.running) || !maps.Equal(weights, w.weights) || s.Broken != nil || s.OpenAttempt() == nil || s.OpenAttempt().Busy() {
			t.Errorf("running %v, weights %v, broken %v, open %v", w.running, w.weights, s.Broken, s.OpenAttempt())
		}
	}
	_ = wantSummary(t, p.rollBack(), "Rollback Unfinished")
	if w.weightOf("green") != 100 {
		t.Errorf("weights %v", w.weights)
	}
	w.set(func() { w.partly = nil })
	if _, err := p.service().Rollback(ctx, releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// A release that fails while a part of the router is gone cannot be restored everywhere, which calls a person; and says what such a one can do.
func TestRestoreWhileAPartOfTheRouterIsGone(t *testing.T) {
	t.Parallel()
	for finished, finish := range finishes {
		t.Run(finished, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1")
			defer p.close()
			w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
				if w.weightOf("green") == 100 {
					w.set(func() { w.partly, w.failing[r] = errNode, true })
				}
			}
			err := p.apply(ctx, "2")
			for range 2 {
				e := wantSummary(t, err, "Restore Failed")
				wantSaid(t, e.Detail(), errNode.Error(), "A person is needed", "wherever the router answers", "taken out of router.haproxy.nodes", "recover production/web")
				if strings.Contains(e.Detail(), "By hand") {
					t.Errorf("it says what does not help: %s", e.Detail())
				}
				err = p.rollBack()
			}
			if w.weightOf("blue") != 100 || w.running["green"] != releaseOf("2") || p.state().Broken == nil {
				t.Errorf("weights %v, running %v, broken %v", w.weights, w.running, p.state().Broken)
			}
			w.set(func() { w.partly = nil })
			if err := finish(ctx, p); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "1")
		})
	}
}

// What is not finished is recorded with its reason, told once, and is not taken for a run that died.
func TestUnfinishedIsRecordedAndTold(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(context.Context, *provider) error{
		"rollback": func(ctx context.Context, p *provider) error { return p.apply(ctx, "2") },
		"candidate taken out": func(ctx context.Context, p *provider) error {
			return p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 25})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			w, objects := newWorld(), newMemoryStore()
			chat := &channel{take: func(context.Context, service.Message) error { return nil }}
			p := telling(t, w, objects, map[string]delivery.Notifier{"chat": chat})
			if err := p.apply(ctx, "1"); err != nil {
				t.Fatal(err)
			}
			if err := begin(ctx, p); err != nil {
				t.Fatal(err)
			}
			w.set(func() { w.partly = errNode })
			for range 2 {
				e := wantSummary(t, p.rollBack(), "Rollback Unfinished")
				wantSaid(t, e.Detail(), "Another release can be rolled back to, or introduced, after that")
			}
			if n := len(slices.DeleteFunc(chat.events(), func(e string) bool { return e != "restore_failed" })); n != 1 {
				t.Errorf("it was told %d times: %v", n, chat.events())
			}
			if a := p.state().OpenAttempt(); !strings.Contains(a.Unfinished, errNode.Error()) {
				t.Errorf("the ledger says: %q", a.Unfinished)
			}
			reader := newProvider(t, w, objects)
			defer reader.close()
			p.close()
			plan, err := reader.service().RollbackPlan(ctx, releaseOf("1"))
			if err != nil || strings.Contains(plan, "interrupted") {
				t.Errorf("the plan says: %s %v", plan, err)
			}
			wantSaid(t, plan, errNode.Error(), "is finished, if what was in its way is mended", "only then back to")
			w.set(func() { w.partly = nil })
			if _, err := reader.service().Recover(ctx); err != nil {
				t.Fatal(err)
			}
			stands(t, w, reader, "1")
			_, events := told(t, objects)
			for _, e := range events {
				if strings.Contains(e.Text, "interrupted") {
					t.Errorf("event %d says: %s", e.Number, e.Text)
				}
			}
		})
	}
}
