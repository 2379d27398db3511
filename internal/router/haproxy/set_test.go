package haproxy_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
)

const checked = "check inter 100ms"

// TestForeignServers: the backend's other servers keep weight and state, and are in no sum.
func TestForeignServers(t *testing.T) {
	foreign := []string{"greenhouse", "bluebird_1", "green.legacy", "blue.a"}
	s := newStand(t, form{options: checked}, 1, 1, func(_ int, b *haproxytest.Backend) {
		for _, name := range foreign {
			b.Servers = append(b.Servers, haproxytest.Line{Name: name, Address: "127.0.0.1:9", Weight: 50})
		}
	})
	for _, name := range foreign {
		s.servers[0].Command(t, "set server web/"+name+" weight 51")
	}
	if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
		t.Error(err)
	}
	for _, green := range []int{50, 100, 0} {
		s.set(t, s.split(green))
		s.want(t, green)
		for _, name := range foreign {
			if got := s.server(t, 0, name); got.Weight != 51 || got.Admin != 0 {
				t.Errorf("at %d %%: %+v", green, got)
			}
		}
		if got := s.server(t, 0, "other"); got.Weight != 100 || !got.Admin.Maint() {
			t.Errorf("at %d %%: %+v", green, got)
		}
	}
}

// TestEmptySlot: the slot without traffic is in maintenance, the other one is not.
func TestEmptySlot(t *testing.T) {
	s := newStand(t, form{options: checked}, 2, 1)
	s.set(t, s.split(100))
	for _, name := range []string{"blue-0", "blue-1"} {
		if got := s.server(t, 0, name); got.Weight != 0 || !got.Admin.Maint() {
			t.Errorf("without traffic: %+v", got)
		}
	}
	if got := s.server(t, 0, "green"); got.Weight != 100 || !got.Eligible() {
		t.Errorf("with all of the traffic: %+v", got)
	}
}

// TestByHand: what somebody does at the socket shows, and the next split repairs it.
func TestByHand(t *testing.T) {
	s := newStand(t, form{options: checked}, 2, 1)
	s.set(t, s.split(50))
	s.servers[0].Command(t, "set server web/blue-0 state maint")
	s.want(t, 67)
	s.set(t, s.split(50))
	s.want(t, 50)
	s.servers[0].Command(t, "set server web/green state drain")
	s.want(t, 0)
	s.set(t, s.back(50))
	s.want(t, 50)
	// Less than half a percent is not nothing.
	s.servers[0].Command(t, "set server web/green weight 1", "set server web/blue-0 weight 256")
	s.want(t, 1)
	s.servers[0].Command(t, "set server web/green weight 256", "set server web/blue-0 weight 1", "set server web/blue-1 weight 0")
	s.want(t, 99)
	s.servers[0].Command(t, "set server web/green weight 0", "set server web/blue-0 weight 0", "set server web/blue-1 weight 0")
	got, err := s.Weights(t.Context())
	if err != nil || got["blue"] != 0 || got["green"] != 0 {
		t.Fatalf("nothing has weight: %v, %v", got, err)
	}
	s.set(t, s.split(50))
	s.want(t, 50)
}

// TestLostMeanwhile: weights that are others right after they were set, as by a reload, are set again; ones that always are, are an error.
func TestLostMeanwhile(t *testing.T) {
	for name, always := range map[string]bool{"once": false, "always": true} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{}, 1, 1)
			s.set(t, s.split(10))
			dials := 0
			r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
				return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
					// The first connection looks, the second sets, the third reads back.
					if dials++; dials == 3 || always && dials > 3 {
						s.servers[0].Command(t, "set server web/green weight 33")
					}
					return s.dial(0)(ctx)
				}}
			})
			if err != nil {
				t.Fatal(err)
			}
			err = r.SetWeights(t.Context(), s.split(75))
			if always {
				wantError(t, err, "something else sets them", "server green has weight 33, not 75")
				return
			}
			if err != nil {
				t.Error(err)
			}
			s.want(t, 75)
		})
	}
}

// TestCancelled: a split that is given up in the middle is none.
func TestCancelled(t *testing.T) {
	s := newStand(t, form{}, 1, 1)
	s.set(t, s.split(10))
	for at := 1; at <= 3; at++ {
		ctx, cancel := context.WithCancel(t.Context())
		dials := 0
		r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
			return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
				connection, err := s.dial(0)(context.WithoutCancel(ctx))
				if dials++; dials == at {
					cancel()
				}
				return connection, err
			}}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.SetWeights(ctx, s.split(75)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at connection %d: %v", at, err)
		}
		s.want(t, 10)
		cancel()
	}
}

// TestStaleInTheMiddle: a newer run sets weights after an older one has looked, right before it sets its own: they are put back.
func TestStaleInTheMiddle(t *testing.T) {
	s := newStand(t, form{}, 1, 1)
	with := func(epoch int) context.Context {
		return fence.With(t.Context(), fence.Fence{Ledger: "a", Epoch: epoch})
	}
	s.set(t, s.split(10)) // so that no server is to be made ready first
	dials := 0
	older, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			// The first connection looks, the second sets.
			if dials++; dials == 2 {
				if err := s.SetWeights(with(8), s.split(50)); err != nil {
					t.Error(err)
				}
			}
			return s.dial(0)(ctx)
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := older.SetWeights(with(7), s.split(75)); !errors.Is(err, fence.ErrStale) {
		t.Errorf("the older run is told %v", err)
	}
	s.want(t, 50)
	if err := s.SetWeights(with(7), s.split(75)); !errors.Is(err, fence.ErrStale) {
		t.Errorf("the newer run's epoch is gone: %v", err)
	}
	if err := s.SetWeights(with(8), s.split(75)); err != nil {
		t.Error(err)
	}
}

// TestHostRemoved: the line of a host that was removed from the service is still in haproxy.cfg. Its server gets nothing, the weights over
// the others are exact, and the drain of what it has in flight does not wait for what the others have.
func TestHostRemoved(t *testing.T) {
	s := newStand(t, form{options: checked}, 3, 2)
	split := s.split(30)
	split.Placements[0].Instances = split.Placements[0].Instances[:2]
	s.set(t, split)
	s.want(t, 30)
	for name, weight := range map[string]int{"blue-0": 35, "blue-1": 35, "blue-2": 0, "green-0": 15, "green-1": 15} {
		if got := s.server(t, 0, name); got.Weight != weight || got.Admin.Maint() != (weight == 0) {
			t.Errorf("%+v, want weight %d", got, weight)
		}
	}
	if err := s.Check(t.Context(), split.Placements); err != nil {
		t.Error(err)
	}
	// Where the split has no placement, all of a slot's servers count.
	split.Placements = split.Placements[1:]
	s.set(t, split)
	s.want(t, 30)
	if got := s.server(t, 0, "blue-2"); !got.Eligible() || got.Weight == 0 {
		t.Errorf("%+v", got)
	}
	moved := s.split(60)
	moved.Placements[1].Instances = instances(t, "green", 1).Instances
	wantError(t, s.SetWeights(t.Context(), moved), "node a", "the servers of slot green", moved.Placements[1].Instances[0].Address, s.green.Instances[0].Address+" (green-0)")
	s.want(t, 30)
	s.set(t, s.split(30))
	s.want(t, 30)
}
