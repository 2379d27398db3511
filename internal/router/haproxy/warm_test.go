package haproxy_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

// TestDown: a server that HAProxy's own check does not find up gets nothing, and nothing is changed; where traffic goes back, nobody asks.
func TestDown(t *testing.T) {
	address := component.Refusing(t)
	for name, options := range map[string]string{"usual": checked, "one check decides": checked + " rise 1 fall 1"} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{options: options}, 1, 2, func(_ int, b *haproxytest.Backend) { b.Servers[2].Address = address })
			s.green.Instances[1].Address = address
			s.SetWarmFor(2 * time.Second)
			err := s.SetWeights(t.Context(), s.split(25))
			wantError(t, err, "node a", "green-1", address, "Connection refused", "now has blue 100 %, green 0 %")
			s.want(t, 0)
			for _, name := range []string{"green-0", "green-1"} {
				if got := s.server(t, 0, name); !got.Admin.Maint() {
					t.Errorf("left behind: %+v", got)
				}
			}
			s.set(t, s.back(25))
			s.want(t, 25)
		})
	}
}

// TestWarm: what HAProxy knew of a server before it was in maintenance is no reason to give it traffic.
func TestWarm(t *testing.T) {
	for name, options := range map[string]string{"usual": checked, "one check decides": checked + " rise 1 fall 1", "slow": "check inter 1s rise 3"} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{options: options}, 1, 1)
			s.set(t, s.split(100))
			s.set(t, s.split(0))
			s.set(t, s.split(25))
			if got := s.server(t, 0, "green"); !got.Eligible() {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestSeldomChecked: a server that HAProxy has not checked yet is waited for longer than one that it has, and where no check comes, the error says
// what to write where.
func TestSeldomChecked(t *testing.T) {
	s := newStand(t, form{options: "check inter 3s fastinter 100ms"}, 1, 1)
	s.SetWarmFor(100 * time.Millisecond)
	s.set(t, s.split(25)) // the first check comes within 3 s, whatever fastinter is
	s.want(t, 25)

	for options, says := range map[string][]string{
		"check inter 10m":               {"has not checked server green at", "`check inter 2s`", "default-server inter 2s", "backend web"},
		"check inter 10m rise 1 fall 1": {"do not find up server green at", "more seldom", "`check inter 2s`"},
	} {
		s := newStand(t, form{options: options}, 1, 1)
		s.SetWarmFor(200 * time.Millisecond)
		s.SetWarmWithin(500 * time.Millisecond)
		wantError(t, s.SetWeights(t.Context(), s.split(25)), append(says, "node a", s.green.Instances[0].Address, "now has blue 100 %, green 0 %")...)
		s.want(t, 0)
	}
	added := newStand(t, form{options: "check inter 10m", dynamic: true}, 1, 1)
	added.SetWarmWithin(500 * time.Millisecond)
	wantError(t, added.SetWeights(t.Context(), added.split(25)), "has not checked", "`check inter 2s` into dynamic.options")
}

// TestWarmUpHasAnEnd: checks that pass are waited for as long as all of them may take, and not for that long each.
func TestWarmUpHasAnEnd(t *testing.T) {
	s := newStand(t, form{options: "check inter 400ms rise 10 fall 1"}, 1, 1)
	s.SetWarmFor(time.Second)
	s.SetWarmWithin(1500 * time.Millisecond)
	wantError(t, s.SetWeights(t.Context(), s.split(25)), "do not find up server green at", "`check inter 2s`", "now has blue 100 %, green 0 %")
}

// TestFlapping: a server whose checks fail and pass in turn gets nothing, is not waited for without an end, and is not said to be checked too seldom:
// also where the last check has passed.
func TestFlapping(t *testing.T) {
	for name, options := range map[string]string{"often": "check inter 50ms fall 3", "seldom after a pass": "check inter 50ms fastinter 700ms fall 3"} {
		t.Run(name, func(t *testing.T) {
			var checks atomic.Int32
			flapping := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if checks.Add(1)%2 == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			t.Cleanup(flapping.Close)
			address := strings.TrimPrefix(flapping.URL, "http://")
			s := newStand(t, form{options: options}, 1, 1, func(_ int, b *haproxytest.Backend) {
				b.More, b.Servers[1].Address = append(b.More, "option httpchk"), address
			})
			s.green.Instances[0].Address = address
			s.SetWarmFor(time.Second)
			s.SetWarmWithin(2 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			wantError(t, s.SetWeights(ctx, s.split(25)), "do not find up server green")
		})
	}
}
