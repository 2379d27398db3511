package delivery

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// endsIt is a platform whose answer comes when nobody waits any more.
type endsIt struct {
	Platform
	end context.CancelFunc
}

func (p endsIt) Inspect(context.Context, service.Placement) ([]service.InstanceState, error) {
	p.end()
	return nil, nil
}

// A watch that is ended right after it was answered is none, and that is an error.
func TestWatchThatIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	if v, err := newWatch(ctx, endsIt{end: cancel}, service.Release{}); !errors.Is(err, context.Canceled) {
		t.Errorf("watch %v, error %v", v, err)
	}
}

// counting is a platform on which one instance on each host runs until all died, and that counts how often it is asked.
type counting struct {
	Platform
	asked *atomic.Int32
	died  *atomic.Bool
}

func (p counting) Inspect(_ context.Context, placement service.Placement) (states []service.InstanceState, err error) {
	p.asked.Add(1)
	for _, i := range placement.Instances {
		states = append(states, service.InstanceState{Instance: i, Running: !p.died.Load(), Release: placement.Release})
	}
	return states, nil
}

func (counting) Probe(context.Context, service.Instance, service.Health) error { return nil }

// A look right after a watch began asks only how its instances answer; one that comes later asks for their states as well.
func TestWatchBeginsWithWhatItSaw(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := service.Release{ID: "production/web/1-00000000", Placement: service.Placement{Release: "production/web/1-00000000", Instances: []service.Instance{
			{Name: "a/0", Host: "a"}, {Name: "b/0", Host: "b"},
		}}}
		for name, c := range map[string]struct {
			after time.Duration
			asked int32
		}{"at once": {0, 1}, "later": {lookInterval, 3}} {
			p := counting{asked: new(atomic.Int32), died: new(atomic.Bool)}
			v, err := newWatch(t.Context(), p, r)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.after)
			if err := v.look(t.Context()); err != nil || v.late || v.unseen != nil || p.asked.Load() != c.asked {
				t.Errorf("%s: asked %d times, late %v, unseen %v: %v", name, p.asked.Load(), v.late, v.unseen, err)
			}
			p.died.Store(true)
			if err := v.look(t.Context()); err == nil {
				t.Errorf("%s: the second look does not see that it died", name)
			}
		}
		p := counting{asked: new(atomic.Int32), died: new(atomic.Bool)}
		p.died.Store(true)
		v, err := newWatch(t.Context(), p, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.look(t.Context()); err == nil {
			t.Error("what had died when the watch began is not told")
		}
	})
}
