package service

import (
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
)

type lookup map[string]string

func (l lookup) Lookup(name string) (string, error) {
	if value, found := l[name]; found {
		return value, nil
	}
	return "", &unknownError{name}
}

type unknownError struct{ name string }

func (e *unknownError) Error() string { return e.name + " is not known" }

func TestUnknownCredential(t *testing.T) {
	m := configtest.Model[model](t, resourceSchema(), full)
	var diags diag.Diagnostics
	all := lookup{"team_chat": "https://example.com/secret", "token": "secret"}
	m.validateCredentials(t.Context(), all, &diags)
	if diags.HasError() {
		t.Errorf("refused: %v", diags)
	}
	for name, at := range map[string]string{"team_chat": `notify["team"].url`, "token": "metrics.prometheus.bearer"} {
		others := maps.Clone(all)
		delete(others, name)
		diags = nil
		m.validateCredentials(t.Context(), others, &diags)
		if diags.ErrorsCount() != 1 {
			t.Fatalf("got %v, want one error", diags)
		}
		if placed, ok := diags[0].(diag.DiagnosticWithPath); !ok || placed.Path().String() != at {
			t.Errorf("got %v", diags[0])
		}
	}
}

func TestCredentialsOfMachines(t *testing.T) {
	m := configtest.Model[model](t, resourceSchema(), fullHosts)
	at := map[string]string{
		"machine_key": `platform.host.hosts["a"].ssh.private_key`, "machine_passphrase": `platform.host.hosts["a"].ssh.passphrase`,
		"jump_key": `platform.host.hosts["a"].ssh.bastion.private_key`, "jump_passphrase": `platform.host.hosts["a"].ssh.bastion.passphrase`,
		"lb_key": `router.haproxy.nodes["lb1"].ssh.private_key`,
	}
	all := lookup{}
	for name := range at {
		all[name] = "secret"
	}
	var diags diag.Diagnostics
	m.validateCredentials(t.Context(), all, &diags)
	if diags.HasError() {
		t.Errorf("refused: %v", diags)
	}
	for name, want := range at {
		others := maps.Clone(all)
		delete(others, name)
		diags = nil
		m.validateCredentials(t.Context(), others, &diags)
		if diags.ErrorsCount() != 1 {
			t.Fatalf("%s: got %v, want one error", name, diags)
		}
		if placed, ok := diags[0].(diag.DiagnosticWithPath); !ok || placed.Path().String() != want {
			t.Errorf("%s: got %v, want it at %s", name, diags[0], want)
		}
	}
}
