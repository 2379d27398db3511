package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// slow is the world's connector, on a platform that takes its time with what takes names, unless it is told to end.
type slow struct {
	*connector
	takes map[string]time.Duration
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
	select {
	case <-time.After(p.takes[what]):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p slowPlatform) Room(ctx context.Context, r service.Release, slot string, leaving ...service.Placement) []service.Problem {
	if err := p.wait(ctx, "room"); err != nil {
		return []service.Problem{{Detail: err.Error()}}
	}
	return p.Platform.Room(ctx, r, slot, leaving...)
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

// slowed has a process work on a world that takes its time.
func (p *provider) slowed(w *world, objects store.Store, takes map[string]time.Duration) {
	p.run = delivery.NewRun(objects, slow{&connector{world: w, process: p.process}, takes}, ledger.ThisProcess("terraform"),
		ledger.Terms{Length: leaseLength, Wait: time.Minute, Poll: 20 * time.Millisecond})
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
				p.slowed(w, objects, map[string]time.Duration{what: 3 * time.Hour})
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

// What a stage did before an upload counts: it has no more time after it than was left.
func TestUploadGivesNoTimeBack(t *testing.T) {
	t.Parallel()
	const before = 30 * time.Second
	circumstances := delivery.CircumstancesOf(service.Definition{}, false)
	circumstances.Mode = service.ModeInstall
	allowed := max(time.Minute, delivery.ReleaseSpec{Health: quickHealth}.WorstCase(circumstances))
	for name, c := range map[string]struct {
		after time.Duration
		cut   bool
	}{
		"in time":  {allowed - before - 10*time.Second, false},
		"too late": {allowed - before + 10*time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				objects, w := newMemoryStore(), newWorld()
				p := newProvider(t, w, objects)
				p.slowed(w, objects, map[string]time.Duration{"room": before, "place": 3 * time.Hour, "start": c.after})
				defer p.close()
				err := p.apply(t.Context(), "1")
				if !c.cut {
					if err != nil {
						t.Error(err)
					}
					return
				}
				e := &delivery.Error{}
				if !errors.As(err, &e) || !strings.Contains(e.What, "took longer than its worst case") {
					t.Errorf("it says: %v", err)
				}
			})
		})
	}
}

func second(_ string, err error) error { return err }
