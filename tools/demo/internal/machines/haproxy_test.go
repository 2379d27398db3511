package machines

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
)

func TestConfigNamesEachHostInEachSlot(t *testing.T) {
	p := &Place{all: map[string]*nspawn.Host{}, ports: ports{users: 8080, blue: 8081, green: 8082}}
	for i, name := range hostNames {
		p.all[name] = &nspawn.Host{Name: name, Address: "127.0.1." + string(rune('1'+i))}
	}
	text, err := p.config(&nspawn.Host{Name: "lb1", Address: "127.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"    bind 127.0.2.1:8080", "    server-state-file " + stateFile, "    server blue-a 127.0.1.1:8081", "    server blue-c 127.0.1.3:8081",
		"    server green-a 127.0.1.1:8082 disabled", "    server green-c 127.0.1.3:8082 disabled",
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
}
