package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// atAddresses is a platform of several hosts, each with the address of a machine.
func atAddresses(hosts map[string]string) service.Platform {
	p := onHosts()
	for name, address := range hosts {
		p.Host.Hosts[name] = service.Host{Address: address, SSH: service.SSH{Address: address, Port: 22}}
	}
	return p
}

// A name that means another machine, and a machine that has another name, are refused before anything is touched: what runs would be
// stopped by the removal of the old name, or looked for where it is not.
func TestHostsAreRenamedOrReplacedInTwoSteps(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	p.platform = atAddresses(map[string]string{"a": "10.0.0.11", "b": "10.0.0.12"})
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	define := func(platform service.Platform) error {
		_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: platform}, Owner: p.state().Owner})
		return err
	}
	otherLogin := atAddresses(map[string]string{"web-1": "192.0.2.1", "b": "10.0.0.12"})
	h := otherLogin.Host.Hosts["web-1"]
	h.SSH.Address = "10.0.0.11" // Reached by users at another address, the same machine all the same.
	otherLogin.Host.Hosts["web-1"] = h
	for what, test := range map[string]struct {
		platform service.Platform
		host     string
		wants    []string
	}{
		"all renamed":       {atAddresses(map[string]string{"web-1": "10.0.0.11", "web-2": "10.0.0.12"}), "web-1", []string{"Host web-1 is the machine 10.0.0.11", "as host a", "Keep the name a", "in the next", "with the name a still there, `terraform destroy -target=deploy_release.<name>`, and apply with the name web-1"}},
		"one renamed":       {atAddresses(map[string]string{"a": "10.0.0.11", "web-2": "10.0.0.12"}), "web-2", []string{"as host b"}},
		"renamed by login":  {otherLogin, "web-1", []string{"as host a"}},
		"names changed":     {atAddresses(map[string]string{"a": "10.0.0.12", "b": "10.0.0.11"}), "a", []string{"placed on host a at 10.0.0.11", "looked for at 10.0.0.12"}},
		"a machine changed": {atAddresses(map[string]string{"a": "10.0.0.11", "b": "10.0.0.99"}), "b", []string{"placed on host b at 10.0.0.12", "Keep the address 10.0.0.12", "add that under another name, and remove b, in one apply", "once nothing answers at 10.0.0.12 any more, add the machine under another name"}},
	} {
		e := wantSummary(t, define(test.platform), "Host In Use")
		for _, want := range append(test.wants, string(releaseOf("1")), "Nothing was changed", "is the only host, put another one beside it before that") {
			if !strings.Contains(e.Detail(), want) {
				t.Errorf("%s: %s does not say %q", what, e.Detail(), want)
			}
		}
		if got := strings.Join(e.Path, "."); got != "platform.host.hosts."+test.host {
			t.Errorf("%s: it lies at %s", what, got)
		}
		runsOn(t, w, "1", "10.0.0.11:blue", "10.0.0.12:blue")
		if delivery.Unsized(p.state()) {
			t.Errorf("%s: what was refused is in the ledger", what)
		}
	}
	// A login by another address says nothing of where instances are; and both ways out lead there.
	moved := atAddresses(map[string]string{"a": "10.0.0.11", "b": "10.0.0.12"})
	h = moved.Host.Hosts["a"]
	h.SSH.Address = "192.0.2.7"
	moved.Host.Hosts["a"] = h
	for _, platform := range []service.Platform{
		moved,
		atAddresses(map[string]string{"b": "10.0.0.12"}),
		atAddresses(map[string]string{"b": "10.0.0.12", "web-1": "10.0.0.11"}),
		atAddresses(map[string]string{"web-1": "10.0.0.11", "web-2": "10.0.0.99"}),
	} {
		if err := define(platform); err != nil {
			t.Fatal(err)
		}
	}
	runsOn(t, w, "1", "10.0.0.11:blue", "10.0.0.99:blue")
	if n := len(w.behind[0].Instances); n != 2 || delivery.Unsized(p.state()) {
		t.Errorf("the router sends to %v", w.behind)
	}
}

// An only host gets another name, or another address, in the ways that the refusals say.
func TestOnlyHostIsRenamedOrReplaced(t *testing.T) {
	t.Parallel()
	for _, router := range []bool{true, false} {
		for name, c := range map[string]struct {
			wanted map[string]string
			silent bool
			way    func(p *provider, define func(map[string]string) error) error
			stops  bool
		}{
			"renamed, by another beside it": {map[string]string{"web-1": "10.0.0.11"}, false, func(_ *provider, define func(map[string]string) error) error {
				return errors.Join(define(map[string]string{"a": "10.0.0.11", "b": "10.0.0.12"}), define(map[string]string{"b": "10.0.0.12"}),
					define(map[string]string{"b": "10.0.0.12", "web-1": "10.0.0.11"}), define(map[string]string{"web-1": "10.0.0.11"}))
			}, false},
			"renamed, by a destroy": {map[string]string{"web-1": "10.0.0.11"}, false, func(p *provider, define func(map[string]string) error) error {
				return errors.Join(p.service().StopRelease(t.Context(), ""), define(map[string]string{"web-1": "10.0.0.11"}), p.apply(t.Context(), "1"))
			}, true},
			"another machine": {map[string]string{"a": "10.0.0.99"}, true, func(_ *provider, define func(map[string]string) error) error {
				return define(map[string]string{"web-1": "10.0.0.99"})
			}, false},
		} {
			w := newWorld()
			w.router = router
			p := newProvider(t, w, newMemoryStore())
			t.Cleanup(p.close)
			p.platform = atAddresses(map[string]string{"a": "10.0.0.11"})
			if err := p.apply(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			define := func(hosts map[string]string) error {
				_, err := p.service().Define(t.Context(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: atAddresses(hosts)}, Owner: p.state().Owner})
				return err
			}
			w.set(func() { w.silent["a"] = c.silent })
			_ = wantSummary(t, define(c.wanted), "Host In Use")
			stopped := false
			p.process.before = func(int, string) { w.set(func() { stopped = stopped || len(w.running) == 0 }) }
			if err := c.way(p, define); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if stopped != c.stops {
				t.Errorf("%s: that it stops meanwhile is %t", name, stopped)
			}
			w.set(func() {
				if c.silent {
					delete(w.running, "10.0.0.11:blue")
				}
			})
			for _, address := range c.wanted {
				runsOn(t, w, "1", address+":blue")
			}
			if delivery.Unsized(p.state()) {
				t.Errorf("%s: it is not at its size", name)
			}
		}
	}
}

// A ledger in which a machine has two names already keeps what runs there.
func TestMachineOfTwoNamesIsNotStopped(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	p.platform = atAddresses(map[string]string{"a": "10.0.0.11", "web-1": "10.0.0.11"})
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	definition := service.Definition{ID: web, Platform: atAddresses(map[string]string{"web-1": "10.0.0.11"})}
	if _, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: definition, Owner: p.state().Owner}); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "10.0.0.11:blue")
	if s := p.state(); delivery.Unsized(s) || len(s.StableRelease().Placement.Instances) != 1 {
		t.Errorf("recorded is %v", s.StableRelease())
	}
}

// A wrong address may be what a recovery needs to have mended: a candidate that it takes away is not in the way.
func TestAddressOfAnInterruptedCandidateMayChange(t *testing.T) {
	t.Parallel()
	candidate := service.Release{ID: releaseOf("1"), Placement: service.Placement{Release: releaseOf("1"), Slot: "blue", Instances: []service.Instance{{Name: "blue/a/0", Address: "10.0.0.99:8081", Host: "a"}}}}
	before := service.Definition{ID: web, Platform: atAddresses(map[string]string{"a": "10.0.0.99"})}
	wanted := service.Definition{ID: web, Platform: atAddresses(map[string]string{"a": "10.0.0.11"})}
	state := ledger.State{Definition: &before, Releases: map[service.ReleaseID]service.Release{candidate.ID: candidate}}
	state.Attempts = []ledger.Attempt{{Number: 1, Release: candidate.ID, Executing: true, Stage: service.StageRelease}}
	if e := delivery.MovedHosts(&state, wanted); e != nil {
		t.Errorf("refused: %s", e)
	}
	state.Attempts, state.Broken = nil, &ledger.Broken{Attempt: 1}
	if e := delivery.MovedHosts(&state, wanted); e != nil {
		t.Errorf("refused after a restore that failed: %s", e)
	}
	state.Broken, state.Stable = nil, candidate.ID
	if e := delivery.MovedHosts(&state, wanted); e == nil {
		t.Error("the stable release's address changed")
	}
}
