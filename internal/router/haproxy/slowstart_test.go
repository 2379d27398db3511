package haproxy_test

import (
	"errors"
	"strings"
	"testing"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// TestSlowStart: what the guide says of it. HAProxy gives a server that leaves maintenance far less than its weight, and says the weight when it is
// asked for it; weights of a server that was up before hold at once.
func TestSlowStart(t *testing.T) {
	s := newStand(t, form{options: checked + " slowstart 1h"}, 1, 1)
	s.set(t, s.split(60))
	s.want(t, 60)
	effective := map[string]float64{}
	stats, err := s.servers[0].Client().Stat(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	for _, stat := range stats {
		if stat.Kind == api.KindServer {
			effective[stat.Name], _ = stat.Number("weight")
		}
	}
	if effective["green"] > 30 || effective["blue"] != 40 {
		t.Errorf("the weights of 60 %% green that count are %v", effective)
	}
}

// TestSlowStartOfDynamicServers: the definition has it, so a plan tells.
func TestSlowStartOfDynamicServers(t *testing.T) {
	for options, want := range map[string]bool{"check slowstart 10s": true, "check": false} {
		s := newStand(t, form{dynamic: true, options: options}, 1, 1)
		warnings, err := s.Warnings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(warnings, " ")
		if strings.Contains(text, "slowstart") != want {
			t.Errorf("%s: it warns of %q", options, text)
		}
		if want {
			wantError(t, errors.New(text), "dynamic.options bends the shares", "loses the servers")
		}
	}
}
