package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

// What a router cannot do is said by the plan that defines it, by no plan that leaves it as it is, and changes nothing; also what it loses
// without a state file, by the plan that takes that away. What a refresh says goes by the recorded definition, and says so.
func TestRouterNotReady(t *testing.T) {
	r := newRig(t, false)
	server := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s, haproxytest.Backend{StateFile: true, Servers: []haproxytest.Line{
			{Name: "blue", Address: fmt.Sprintf("127.0.0.1:%d", r.ports["blue"]), Weight: 1},
			{Name: "green", Address: fmt.Sprintf("127.0.0.1:%d", r.ports["green"]), Weight: 1, Options: "disabled"},
		}})
	})
	routed := func(version, backend, socket, more string) {
		t.Helper()
		r.write(config{Version: version, NoRouter: true, ExtraService: fmt.Sprintf("router = { haproxy = { backend = %q, nodes = { lb = { socket = %q } }, %s } }", backend, socket, more)}.hcl(r))
	}
	const warning = "Warning: Router Not Ready"
	stateFile := fmt.Sprintf("state_file = %q", server.StateFile)
	elsewhere := fmt.Sprintf("state_file = %q", filepath.Join(r.dir, "none", "state"))
	wrongs := map[string]func(){
		"no backend webs": func() { routed("1", "webs", server.Socket, stateFile) }, "none.sock": func() { routed("1", "web", filepath.Join(r.dir, "none.sock"), stateFile) },
		"level user": func() { routed("1", "web", server.UserSocket, stateFile) }, "no server mint": func() { routed("1", "web", server.Socket, `servers = { green = ["mint"] }`) },
		"HAProxy adds no server with \"chekc\": unknown keyword 'chekc'": func() { routed("1", "web", server.Socket, `dynamic = { options = "chekc" }`) },
		"cannot be written": func() { routed("1", "web", server.Socket, elsewhere) },
	}
	for says, write := range wrongs {
		write()
		wantSaid(t, r.plan().text, warning, says)
	}
	if _, err := os.Stat(server.StateFile); err == nil {
		t.Error("a plan wrote the state file")
	}
	const attention = "Warning: Router Needs Attention"
	routed("1", "web", server.Socket, "")
	wantSaid(t, r.plan().text, attention, "there is no state_file. Those are the ones of now")
	routed("1", "web", server.Socket, "dynamic = {}")
	wantSaid(t, r.plan().text, attention, "loses the servers of backend web that were added")
	routed("1", "web", server.Socket, stateFile)
	if text := r.plan().text; strings.Contains(text, "Warning:") {
		t.Errorf("a router that is ready is warned of:\n%s", text)
	}
	r.apply(0)
	for says, write := range wrongs {
		write()
		wantSaid(t, r.plan().text, warning, says)
	}
	routed("1", "web", server.Socket, "")
	wantSaid(t, r.plan().text, attention, "there is no state_file", "that the user of each node's login may write to")
	// As it is recorded it is the refresh that tells, and which definition it means.
	routed("1", "web", server.UserSocket, stateFile)
	r.apply(0)
	if text := r.plan().text; strings.Contains(text, warning) {
		t.Errorf("a definition that does not change is asked again:\n%s", text)
	}
	routed("1", "web", filepath.Join(r.dir, "none.sock"), stateFile)
	r.apply(0)
	routed("1", "web", server.Socket, stateFile)
	text := r.plan().text
	wantSaid(t, text, "Warning: Service Not Reachable", "by the definition that the last apply recorded", "Where this plan changes what is named")
	if strings.Contains(text, warning) {
		t.Errorf("the router of the plan is ready:\n%s", text)
	}
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
}
