package delivery_test

import (
	"context"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// The answer to any entry of the ledger is lost, in an introduction, a restore and in rollbacks: read back at once, or not to be had for
// as long as the run lasts, or interrupted by its user just then. The run that goes on, and every other, finds out what was written: the
// traffic is where the ledger says, each attempt has one end, and the same apply goes through.
func TestAnswerIsLostAnywhere(t *testing.T) {
	t.Parallel()
	losses := map[string]func(objects *network, cancel context.CancelFunc){
		"read back":                  func(*network, context.CancelFunc) {},
		"not read back":              func(objects *network, _ context.CancelFunc) { objects.fail(true) },
		"interrupted":                func(_ *network, cancel context.CancelFunc) { cancel() },
		"interrupted, not read back": func(objects *network, cancel context.CancelFunc) { cancel(); objects.fail(true) },
	}
	for _, name := range []string{"introduction", "restore", "rollback", "operator's rollback"} {
		for loss, lose := range losses {
			t.Run(name+", "+loss, func(t *testing.T) {
				t.Parallel()
				s := scenarios[name]
				begun, ledgers := s.begin(t)
				for nth := 1; ; nth++ {
					entries := 0
					// The same run goes on, or it ends and another one does.
					for _, goesOn := range []bool{true, false} {
						w, objects := begun.copied(), &network{memoryStore: ledgers.copied()}
						entries = s.lose(t, w, objects, nth, goesOn, lose)
						if s.end(t, w, objects.memoryStore); t.Failed() {
							t.Fatalf("the answer to entry %d was lost; the same run goes on: %t", nth, goesOn)
						}
					}
					if entries < nth {
						t.Logf("%d entries", nth-1)
						return
					}
				}
			})
		}
	}
}

// lose does what the scenario is about while the answer to the nth entry is lost, and then once more where the same run goes on. It
// returns how many entries were written until then.
func (s scenario) lose(t *testing.T, w *world, objects *network, nth int, goesOn bool, lose func(*network, context.CancelFunc)) int {
	t.Helper()
	p := newProvider(t, w, objects)
	defer p.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	objects.spoil(func(ledger.Event) error {
		if n++; n == nth {
			lose(objects, cancel)
			return errNoAnswer
		}
		return nil
	}, nil)
	if s.operate != nil {
		_, _ = p.service().Rollback(ctx, "", "")
	} else {
		_ = p.apply(ctx, s.apply)
	}
	cancel()
	wantTrafficWithStable(t, w, objects.memoryStore)
	oneEndEach(t, objects.memoryStore)
	objects.spoil(nil, nil)
	objects.fail(false)
	if goesOn && p.state().Definition != nil {
		_ = s.act(p)
		wantTrafficWithStable(t, w, objects.memoryStore)
		oneEndEach(t, objects.memoryStore)
	}
	return n
}
