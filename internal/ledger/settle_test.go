package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// deaf is a store that writes events and answers nothing then.
type deaf struct {
	store.Store
	deaf atomic.Bool
}

func (d *deaf) Create(ctx context.Context, key string, data []byte) error {
	err := d.Store.Create(ctx, key, data)
	if d.deaf.Load() {
		return errNoAnswer
	}
	return err
}

func (d *deaf) Get(ctx context.Context, key string) (store.Object, error) {
	if d.deaf.Load() && strings.Contains(key, "/ledger/") {
		return store.Object{}, errNoAnswer
	}
	return d.Store.Get(ctx, key)
}

// An append that was written, and of which nothing could be learned, is found before the next: what comes of older knowledge is
// refused, and no number is used twice.
func TestUnknownAppendIsSettledBeforeTheNext(t *testing.T) {
	t.Parallel()
	s := &deaf{Store: open(t, t.TempDir())}
	l := ledger.Open(s, web)
	lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer release(t, lease)
	begin := ledger.Event{Type: ledger.AttemptOpened, Attempt: 1, Release: "production/web/1-00000001", Opening: &ledger.Opening{Mode: service.ModeInstall}}
	s.deaf.Store(true)
	if err := lease.Append(context.Background(), begin); err == nil || errors.Is(err, ledger.ErrLost) {
		t.Fatalf("got %v, want that nothing is known", err)
	}
	if err := lease.Settle(context.Background()); err == nil {
		t.Error("nothing could be learned, and it is said to be settled")
	}
	s.deaf.Store(false)
	if err := lease.Append(context.Background(), begin); err == nil {
		t.Error("attempt 1 was opened twice")
	}
	state := lease.State()
	if a := state.OpenAttempt(); a == nil || a.Number != 1 {
		t.Errorf("what was written is not known: %+v", a)
	}
	closing := ledger.Event{Type: ledger.AttemptClosed, Attempt: 1, Closing: &ledger.Closing{End: service.EndRestored}}
	if err := lease.Append(context.Background(), closing); err != nil {
		t.Fatal(err)
	}
	if err := lease.Append(context.Background(), closing); err == nil {
		t.Error("attempt 1 has two ends")
	}
	events, err := l.Events(context.Background(), 1)
	if err != nil || len(events) != 3 {
		t.Errorf("%d events, want 3 (%v)", len(events), err)
	}
}

// What only a newer provider can read is not damaged: the error names the object, and says what to do.
func TestNewerEventAsksForANewerProvider(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"of a known type":     `{"number": 3, "min_version": 5, "type": "recovered", "nonce": "n"}`,
		"of an unknown type":  `{"number": 3, "min_version": 5, "type": "transcended", "nonce": "n"}`,
		"of an unknown shape": `{"number": 3, "min_version": 5, "type": {"of": "another"}, "attempt": "seven"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			l := ledger.Open(s, web)
			lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
			if err != nil {
				t.Fatal(err)
			}
			release(t, lease)
			writeRaw(t, s, 3, []byte(data))
			_, err = l.Read(context.Background())
			if err == nil {
				t.Fatal("it was read")
			}
			if damaged := (*ledger.DamagedError)(nil); errors.As(err, &damaged) {
				t.Errorf("it is said to be damaged: %v", err)
			}
			for _, want := range []string{"00000003.json", "upgrade the provider", "version 5"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if _, err := l.Acquire(context.Background(), "next", ledger.Holder{Name: "next"}, terms(20*time.Second, time.Second)); err == nil {
				t.Error("an older provider took the lease")
			}
		})
	}
}
