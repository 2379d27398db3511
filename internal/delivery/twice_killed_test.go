package delivery_test

import (
	"context"
	"os"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Pairs of two kills grow with the square of the points: so many are passed over, of rollbacks fewer. With DEPLOY_CRASH set all are tried.
const (
	everySoManyPairs     = 23
	everySoManyRollbacks = 7
)

// What is killed at a point is recovered, and the recovery killed at a point, in every pair: the next recovery brings world and record
// together all the same. A rollback is finished, and never undone.
func TestKilledAndItsRecoveryToo(t *testing.T) {
	t.Parallel()
	recovery := func(p *provider) { _, _ = p.service().Recover(context.Background()) }
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			every := everySoManyPairs
			switch {
			case os.Getenv("DEPLOY_CRASH") != "":
				every = 1
			case s.apply == "1" && len(s.before) > 1:
				every = everySoManyRollbacks
			}
			pairs := 0
			begun, ledgers := s.begin(t)
			for first := 1; ; first++ {
				killed, left := begun.copied(), ledgers.copied()
				if !crash(t, killed, left, first, func(p *provider) { _ = s.act(p) }) {
					t.Logf("%d pairs", pairs)
					return
				}
				rollback := rollbackBegun(t, left)
				for second, more := 1, true; more; second++ {
					if (first+second)%every != 0 {
						continue
					}
					w, objects := killed.copied(), left.copied()
					more = crash(t, w, objects, second, recovery)
					pairs++
					if rollback {
						wantFinished(t, w, objects, s.apply)
					}
					if s.end(t, w, objects); t.Failed() {
						t.Fatalf("killed at point %d, and its recovery at point %d", first, second)
					}
				}
			}
		})
	}
}

// rollbackBegun tells whether the newest attempt is a rollback that has touched something, or was about to.
func rollbackBegun(t *testing.T, m *memoryStore) bool {
	t.Helper()
	state, _ := told(t, m)
	a := state.OpenAttempt()
	return a != nil && a.Mode == service.ModeRollback && a.Executing
}

// wantFinished recovers, and asserts that the rollback that had begun is finished.
func wantFinished(t *testing.T, w *world, m *memoryStore, version string) {
	t.Helper()
	p := newProvider(t, w, m)
	defer p.close()
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Errorf("recover: %v", err)
	}
	stands(t, w, p, version)
	if p.lastEnd() != service.EndFinalized {
		t.Errorf("the rollback ended as %q", p.lastEnd())
	}
	_, events := told(t, m)
	for _, e := range events {
		if e.Type == ledger.AttemptClosed && e.Closing.End == service.EndRestored {
			t.Errorf("attempt %d was undone: %s", e.Attempt, e.Text)
		}
	}
}
