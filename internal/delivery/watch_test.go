package delivery

import (
	"context"
	"errors"
	"strings"
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

// machine is a platform on which one instance runs, on a machine that may be started again.
type machine struct {
	Platform
	silent, cold bool
	boot         string
	slow         time.Duration
	restarts     int
}

func (m *machine) Inspect(_ context.Context, placement service.Placement) (states []service.InstanceState, err error) {
	if m.silent {
		return nil, errors.New("it does not answer")
	}
	for _, i := range placement.Instances {
		states = append(states, service.InstanceState{Instance: i, Running: true, Release: placement.Release, Boot: m.boot, Restarts: m.restarts})
	}
	return states, nil
}

func (m *machine) Probe(context.Context, service.Instance, service.Health) error {
	if m.cold {
		time.Sleep(m.slow)
		return errors.New("connection refused")
	}
	return nil
}

// What comes up again with its machine is given time to be ready, and is no evidence; what died is, also while nobody saw its machine, and what does
// not answer although its machine was only out of sight.
func TestWatchOfAMachineThatIsStartedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// what the machine is like when it answers again; looks until it answers well, and how it ends.
		after    func(*machine)
		cold     int
		evidence string
		silent   bool
	}{
		"started again":              {after: func(m *machine) { m.boot, m.restarts = "2", 0 }, cold: 20},
		"again, and it died at once": {after: func(m *machine) { m.boot, m.restarts = "2", 3 }, cold: 20},
		"never ready":                {after: func(m *machine) { m.boot, m.restarts = "2", 0 }, cold: 1000, silent: true},
		"hangs for ever":             {after: func(m *machine) { m.boot, m.restarts, m.slow = "2", 0, 5*time.Second }, cold: 1000, silent: true},
		"out of sight":               {after: func(*machine) {}, cold: 20, evidence: "3 times in a row"},
		"hangs, was out of sight":    {after: func(m *machine) { m.slow = 5 * time.Second }, cold: 1000, evidence: "3 times in a row"},
		"died while out of sight":    {after: func(m *machine) { m.restarts = 2 }, cold: 0, evidence: "died under traffic"},
		"dies when it has come up":   {after: func(m *machine) { m.boot, m.restarts = "2", 0 }, cold: 5, evidence: "died under traffic"},
		"stuck after it was ready":   {after: func(m *machine) { m.boot, m.restarts = "2", 0 }, cold: -1, evidence: "3 times in a row"},
		"the platform does not say":  {after: func(m *machine) { m.boot = "" }, cold: 20, evidence: "3 times in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &machine{boot: "1", restarts: 1}
				v, err := newWatch(t.Context(), m, service.Release{ID: "production/web/1-00000000", Placement: service.Placement{
					Release: "production/web/1-00000000", Instances: []service.Instance{{Name: "a/0", Host: "a"}},
				}})
				look := func() {
					time.Sleep(lookInterval)
					synctest.Wait()
					if err == nil {
						err = v.look(t.Context())
					}
				}
				look()
				m.silent = true
				for range 5 {
					look()
				}
				if err != nil || v.unseen == nil {
					t.Fatalf("silent for a while: unseen %v, error %v", v.unseen, err)
				}
				m.silent, m.cold = false, c.cold > 0
				c.after(m)
				for n := range 90 {
					m.cold = m.cold && n < c.cold || c.cold < 0 && n > 3
					if name == "dies when it has come up" && n == 10 {
						m.restarts++
					}
					look()
				}
				switch {
				case c.evidence != "":
					if !isEvidence(err) || !strings.Contains(err.Error(), c.evidence) {
						t.Errorf("it ends with %v", err)
					}
				case c.silent:
					if !isSilent(err) {
						t.Errorf("it ends with %v", err)
					}
				case err != nil || v.unseen != nil:
					t.Errorf("unseen %v, error %v", v.unseen, err)
				}
			})
		})
	}
}

// Failures between silences do not make it wait longer than for silence alone.
func TestPatienceIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), 0
		silent := &silentError{errors.New("it does not answer")}
		err := patiently(t.Context(), func() error {
			if asked++; asked == 50 || asked == 51 {
				return errors.New("it answers something else")
			}
			return silent
		})
		if took := time.Since(began); !errors.Is(err, silent) || took < silenceTimeout || took > silenceTimeout+time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
