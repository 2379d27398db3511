package haproxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func isPart(err error) bool {
	var part *delivery.SilentParts
	return errors.As(err, &part)
}

func isUnmoved(err error) bool {
	var unmoved *delivery.Unmoved
	return errors.As(err, &unmoved)
}

// TestOneNodeRefuses: the other is put back to what it had.
func TestOneNodeRefuses(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 2}, 1, 1, func(node int, b *haproxytest.Backend) {
		if node == 1 {
			b.Balance = "static-rr"
		}
	})
	err := s.SetWeights(t.Context(), s.split(25))
	wantError(t, err, "node b", "static LB algorithm", "node a now has blue 100 %, green 0 %", "node b now has blue 100 %, green 0 %")
	if !isUnmoved(err) {
		t.Errorf("it is not said that nothing was moved: %v", err)
	}
	if got := s.server(t, 0, "green"); !got.Admin.Maint() {
		t.Errorf("left behind: %+v", got)
	}
	s.want(t, 0)
}

// TestOneNodeIsGone: nothing is changed on the other, unless traffic goes back: then it does where it can.
func TestOneNodeIsGone(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 2}, 1, 1)
	s.set(t, s.split(50))
	s.servers[1].Stop(t)
	err := s.SetWeights(t.Context(), s.split(75))
	wantError(t, err, "node b", "node a now has blue 50 %, green 50 %", "node b now does not say")
	if !isUnmoved(err) {
		t.Errorf("it is not said that nothing was moved: %v", err)
	}
	err = s.SetWeights(t.Context(), s.back(0))
	wantError(t, err, "node b", "node a now has blue 100 %, green 0 %")
	if !isPart(err) {
		t.Errorf("it is not said that the others have it: %v", err)
	}
	if _, err := s.Weights(t.Context()); err == nil {
		t.Error("the weights of a node that is gone are known")
	}
	s.servers[1].Run(t)
	s.set(t, s.split(0))
	s.want(t, 0)
}

// TestOneNodeIsLeftOut: a split that goes on without nodes that do not answer sets the others, with all that belongs to it, and names them. One
// that answers, and cannot be set, is not left out, and neither are all.
func TestOneNodeIsLeftOut(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 2}, 1, 1)
	s.set(t, s.split(0))
	partly := s.split(100)
	partly.Partly = true
	if err := s.Check(t.Context(), partly.Placements); err != nil {
		t.Fatal(err)
	}
	s.servers[1].Stop(t)
	if err := s.Check(t.Context(), partly.Placements); !isPart(err) || !strings.Contains(err.Error(), "node b") || strings.Contains(err.Error(), "node a") {
		t.Errorf("the check says: %v", err)
	}
	elsewhere := s.blue
	elsewhere.Instances = []service.Instance{{Name: "blue/0", Address: component.Refusing(t)}}
	if err := s.Check(t.Context(), []service.Placement{elsewhere, s.green}); err == nil || isPart(err) {
		t.Errorf("where servers are missing as well, the check says: %v", err)
	}
	err := s.SetWeights(t.Context(), partly)
	wantError(t, err, "node b", "node a now has blue 0 %, green 100 %", "node b now does not say")
	if !isPart(err) {
		t.Errorf("it is not said that this is only a part: %v", err)
	}
	if got := s.server(t, 0, "green"); !got.Eligible() || got.Weight == 0 {
		t.Errorf("green is %+v", got)
	}
	s.servers[0].Stop(t)
	if err := s.SetWeights(t.Context(), partly); err == nil || isPart(err) {
		t.Errorf("with no node: %v", err)
	}
	if err := s.Check(t.Context(), partly.Placements); err == nil || isPart(err) {
		t.Errorf("with no node the check says: %v", err)
	}
	s.servers[0].Run(t)
	s.servers[1].Run(t)
	s.set(t, partly)
	s.want(t, 100)

	refusing := newStand(t, form{options: checked, nodes: 2}, 1, 1, func(node int, b *haproxytest.Backend) {
		if node == 1 {
			b.Balance = "static-rr"
		}
	})
	partly = refusing.split(25)
	partly.Partly = true
	if err := refusing.SetWeights(t.Context(), partly); err == nil || isPart(err) {
		t.Errorf("where a node refuses: %v", err)
	}
	refusing.want(t, 0)
}

// TestOneNodeDiesInTheMiddle: it has said what it has, and cannot be told what it is to have: the other, which was, is put back.
func TestOneNodeDiesInTheMiddle(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 2}, 1, 1)
	s.set(t, s.split(10))
	var dials, told atomic.Int32
	r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		dial := s.dial(int(node[0] - 'a'))
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			if node == "b" && dials.Add(1) > 1 {
				// Not before the other one has the new weights, at least once.
				haproxytest.Wait(t, "node a is set", func() bool { return told.Load() > 0 || s.server(t, 0, "green").Weight == 75 })
				told.Add(1)
				return nil, errors.New("no way there")
			}
			return dial(ctx)
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	err = r.SetWeights(t.Context(), s.split(75))
	wantError(t, err, "node b", "no way there", "node a now has blue 90 %, green 10 %", "node b now does not say what it has")
	if isUnmoved(err) || isPart(err) {
		t.Errorf("what node b has is not known, and it is said: %v", err)
	}
	if told.Load() == 0 {
		t.Error("node a was never set")
	}
	s.want(t, 10)
}

// TestOneNodeDiesWhileTheOthersWarmUp: a split that goes on without nodes that do not answer goes on without one that stops to, soon.
func TestOneNodeDiesWhileTheOthersWarmUp(t *testing.T) {
	s := newStand(t, form{options: "check inter 500ms rise 3", nodes: 2}, 1, 1)
	s.set(t, s.split(0))
	var dials atomic.Int32
	r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		dial := s.dial(int(node[0] - 'a'))
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			// It has been read, and told to warm up.
			if node == "b" && dials.Add(1) > 2 {
				return nil, errors.New("no way there")
			}
			return dial(ctx)
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.SetWarmWithin(20 * time.Second)
	began := time.Now()
	err = r.SetWeights(t.Context(), s.split(100))
	wantError(t, err, "node b", "no way there", "node a now has blue 100 %, green 0 %")
	if !isUnmoved(err) {
		t.Errorf("it is not said that nothing was moved: %v", err)
	}
	whole := time.Since(began)
	s.set(t, s.split(0)) // Node b was left warm.
	dials.Store(0)
	partly := s.split(100)
	partly.Partly = true
	began = time.Now()
	err = r.SetWeights(t.Context(), partly)
	wantError(t, err, "node b", "no way there", "node a now has blue 0 %, green 100 %", "node b now does not say what it has")
	if !isPart(err) {
		t.Errorf("it is not said that the others have it: %v", err)
	}
	if took := time.Since(began); took > whole/2 {
		t.Errorf("it took %s, where a node is waited for %s at most", took, whole)
	}
}

// TestOneNodeHangs: traffic goes back on the other before anybody has given up on it.
func TestOneNodeHangs(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 2}, 1, 1)
	var hangs atomic.Bool
	r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		dial := s.dialer(s.servers[node[0]-'a'])
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			if node == "b" && hangs.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return dial(ctx)
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetWeights(t.Context(), s.split(50)); err != nil {
		t.Fatal(err)
	}
	hangs.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.SetWeights(ctx, s.back(0)) }()
	for moved := false; !moved; {
		select {
		case err := <-done:
			t.Fatalf("it waited for the node that hangs: %v", err)
		case <-time.After(10 * time.Millisecond):
			moved = s.server(t, 0, "green").Weight == 0
		}
	}
	cancel()
	wantError(t, <-done, "node b", "node a now has blue 100 %, green 0 %")
}

// TestNodesThatDiffer: nodes that somebody changed by hand are never taken for the split that was asked for, also where that is their mean;
// it is said which node has what, and the next split sets all of them.
func TestNodesThatDiffer(t *testing.T) {
	s := newStand(t, form{options: checked, nodes: 3}, 1, 1)
	for name, c := range map[string]struct {
		declared int
		byHand   [3]int
	}{
		"around a quarter": {25, [3]int{20, 25, 30}}, "around 37": {37, [3]int{36, 37, 38}}, "around one percent": {1, [3]int{0, 1, 2}},
		"one went back": {50, [3]int{50, 50, 0}}, "one has all": {99, [3]int{100, 98, 99}},
	} {
		s.set(t, s.split(c.declared))
		var says []string
		for node, green := range c.byHand {
			s.servers[node].Command(t, fmt.Sprintf("set server web/green weight %d", green), fmt.Sprintf("set server web/blue weight %d", 100-green))
			says = append(says, fmt.Sprintf("%s has blue %d %%, green %d %%", nodeName(node), 100-green, green))
		}
		got, err := s.Weights(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if green, blue := got["green"], got["blue"]; green == 0 || blue == 0 || green+blue == 100 {
			t.Errorf("%s: the weights are %v", name, got)
		}
		warnings, err := s.Warnings(t.Context())
		if err != nil || len(warnings) == 0 {
			t.Fatalf("%s: warnings %q, %v", name, warnings, err)
		}
		wantError(t, errors.New(warnings[0]), append(says, fmt.Sprintf("blue %d %%, green %d %%, are about their mean", got["blue"], got["green"]))...)
	}
	s.set(t, s.split(50))
	s.want(t, 50)
}
