package delivery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// slow is the world's connector, on a platform that takes its time with one thing, unless it is told to end.
type slow struct {
	*connector
	what  string
	takes time.Duration
}

func (s slow) Adapters(d service.Definition) (delivery.Adapters, error) {
	a, err := s.connector.Adapters(d)
	a.Platform = slowPlatform{a.Platform, s}
	return a, err
}

type slowPlatform struct {
	delivery.Platform
	slow
}

func (p slowPlatform) wait(ctx context.Context, what string) error {
	if what != p.what {
		return nil
	}
	select {
	case <-time.After(p.takes):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p slowPlatform) Place(ctx context.Context, r service.Release, slot string) (service.Placement, error) {
	if err := p.wait(ctx, "place"); err != nil {
		return service.Placement{}, err
	}
	return p.Platform.Place(ctx, r, slot)
}

func (p slowPlatform) Start(ctx context.Context, r service.Release, environment map[string]string) error {
	if err := p.wait(ctx, "start"); err != nil {
		return err
	}
	return p.Platform.Start(ctx, r, environment)
}

// An upload over a slow line goes on for as long as it comes forward; anything else that takes longer than a stage may is ended, before the
// upload or after it.
func TestAnUploadIsNotCutOff(t *testing.T) {
	t.Parallel()
	for what, cut := range map[string]bool{"place": false, "start": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				objects, w := newMemoryStore(), newWorld()
				p := newProvider(t, w, objects)
				p.run = delivery.NewRun(objects, slow{&connector{world: w, process: p.process}, what, 3 * time.Hour}, ledger.ThisProcess("terraform"),
					ledger.Terms{Length: leaseLength, Wait: time.Minute, Poll: 20 * time.Millisecond})
				defer p.close()
				err := p.apply(context.Background(), "1")
				if !cut && err == nil {
					if err = p.apply(context.Background(), "2"); err == nil {
						// One that a recovery finishes uploads as well.
						w.set(func() { w.partly = errNode })
						_ = wantSummary(t, second(p.service().Rollback(context.Background(), "", "")), "Rollback Unfinished")
						w.set(func() { w.partly = nil })
						_, err = p.service().Recover(context.Background())
					}
				}
				e := &delivery.Error{}
				switch {
				case !cut && err != nil:
					t.Error(err)
				case cut && (!errors.As(err, &e) || p.state().LastFailure[releaseOf("1")].Failure.Cause != ledger.CauseFault):
					t.Errorf("it says %v", err)
				}
			})
		})
	}
}

func second(_ string, err error) error { return err }
