package cli

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service whose release is not on all of its hosts is not ready, and is among those that need a recovery: a timer brings it to a host that
// is back.
func TestServiceWithAHostLeftOutNeedsARecovery(t *testing.T) {
	s, _ := newStore(t)
	definition := defined(web)
	definition.Definition.Platform.Host.Hosts = map[string]service.Host{"a": {Address: "10.0.0.1"}, "b": {Address: "10.0.0.2"}}
	on := service.Placement{Release: first, Slot: "blue", Instances: []service.Instance{{Name: "blue/a/0", Host: "a"}}}
	write(t, s, web, definition, ledger.Event{Type: ledger.Adopted, Owner: "owner", Definition: definition.Definition, Adoption: &ledger.Adoption{
		Stable: first, Releases: map[service.ReleaseID]service.Release{first: {ID: first, Placement: on}},
	}})
	if got := command(t, "history", "--store", s.URL()); got.code != ExitDone || !strings.Contains(got.out, "resizing") {
		t.Errorf("history: %+v", got)
	}
	got := command(t, "recover", "--all", "--store", s.URL())
	if got.code == ExitDone || !strings.Contains(got.errs, string(web)+": what runs is brought to the hosts that the service has") {
		t.Errorf("recover --all: %+v", got)
	}
}
