package caddy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy/caddytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Nothing listens at the slots' addresses: Check compares configurations.
const (
	blueAddress   = "127.0.0.1:4001"
	greenAddress  = "127.0.0.1:4002"
	secondAddress = "127.0.0.1:4003"
)

func placement(slot string, addresses ...string) service.Placement {
	p := service.Placement{Release: "production/web/1-00000000", Slot: slot}
	for i, a := range addresses {
		p.Instances = append(p.Instances, service.Instance{Name: fmt.Sprintf("%s/%d", slot, i), Address: a})
	}
	return p
}

// site fills in the share file for FILE.
func site(text string) func(*caddytest.Server) string {
	return func(s *caddytest.Server) string { return strings.ReplaceAll(text, "FILE", s.ShareFile) + "\n" }
}

const split = "vars green {file.FILE}\n@green expression `{http.request.uuid} < {http.vars.green}`\n"

func TestCheckAgainstConfigurations(t *testing.T) {
	placements := []service.Placement{placement("blue", blueAddress), placement("green", greenAddress, secondAddress)}
	current := ""
	server := caddytest.Start(t, func(s *caddytest.Server) string { return site(current)(s) })
	r := router(t, server, time.Minute)
	const right = "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003\nreverse_proxy 127.0.0.1:4001"
	for name, c := range map[string]struct {
		site string
		// wrong is in the error; empty: in order.
		wrong string
	}{
		"as the snippet":          {split + right, ""},
		"another name, shorthand": {"vars share {file.FILE}\n@new `{uuid}  <  {vars.share}`\nreverse_proxy @new 127.0.0.1:4003 127.0.0.1:4002\nreverse_proxy 127.0.0.1:4001", ""},
		"other spellings":         {split + "reverse_proxy @green localhost:4002 :4003\nreverse_proxy tcp/localhost:4001", ""},
		"in handle blocks":        {split + "handle @green {\nheader X-Slot green\nreverse_proxy 127.0.0.1:4002 127.0.0.1:4003\n}\nhandle {\nreverse_proxy 127.0.0.1:4001\n}", ""},
		"below the path of all":   {"handle /* {\n" + split + right + "\n}", ""},
		"below a matched host":    {"@here host localhost 127.0.0.1\nhandle @here {\n" + split + right + "\n}\nrespond 404", ""},
		"some are answered":       {"respond /healthz ok\n" + split + right, ""},
		"one site of two":         {split + right + "\n}\nhttp://other.example {\nreverse_proxy 127.0.0.9:1", ""},
		"in a block of vars":      {"vars {\nother 1\ngreen {file.FILE}\n}\n@green `{http.request.uuid} < {http.vars.green}`\n" + right, ""},

		"no proxy at all":       {"respond hello", "no variable of it is {file.FILE}"},
		"no variable":           {"reverse_proxy 127.0.0.1:4001", "no variable of it is {file.FILE}"},
		"another file":          {"vars green {file./var/other.share}\n@green `{http.request.uuid} < {http.vars.green}`\n" + right, "only {file./var/other.share}"},
		"variable below a path": {"vars /x green {file.FILE}\n@green `{http.request.uuid} < {http.vars.green}`\n" + right, "green is set for some requests only"},
		"the other way around":  {"vars green {file.FILE}\n@green `{http.request.uuid} > {http.vars.green}`\n" + right, "no reverse_proxy behind the expression {http.request.uuid} < {http.vars.green}"},
		"another variable":      {"vars green {file.FILE}\n@green `{http.request.uuid} < {http.vars.blue}`\n" + right, "no reverse_proxy behind the expression"},
		"a second matcher":      {"vars green {file.FILE}\n@green {\nexpression `{http.request.uuid} < {http.vars.green}`\nmethod GET\n}\n" + right, "no reverse_proxy behind the expression"},
		"no route for green":    {split + "reverse_proxy 127.0.0.1:4001", "no reverse_proxy behind the expression {http.request.uuid} < {http.vars.green}"},
		"no route at all":       {split + "header X-Slot none", "no route has the expression {http.request.uuid} < {http.vars.green}"},
		"green does not proxy":  {split + "respond @green hello\nreverse_proxy 127.0.0.1:4001", "has no reverse_proxy for slot green"},
		"no fallback":           {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003", "no reverse_proxy without a matcher follows for slot blue"},
		"fallback below a path": {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003\nreverse_proxy /x 127.0.0.1:4001", "no reverse_proxy without a matcher follows"},
		"below a path":          {"handle /shop/* {\n" + split + right + "\n}\nrespond 404", `only requests that match path ["/shop/*"] come to it, which is not all of the traffic`},
		"below a method":        {"@get method GET\nhandle @get {\n" + split + right + "\n}\nrespond 404", `only requests that match method ["GET"]`},
		"for errors":            {"respond 404\nhandle_errors {\n" + split + right + "\n}", "no variable of it is {file.FILE}"},
		"answered before":       {"route {\nrespond maintenance 503\n" + split + right + "\n}", "no request comes to the variable green: a static_response before it answers every request"},
		"answered above":        {"route {\nrespond maintenance 503\nhandle {\n" + split + right + "\n}\n}", "but a static_response before it answers every request"},
		"answered between": {"route {\nvars green {file.FILE}\nrespond maintenance 503\n@green `{http.request.uuid} < {http.vars.green}`\n" + right + "\n}",
			"no request comes to the route with the expression {http.request.uuid} < {http.vars.green}: a static_response before it"},
		"files between": {"route {\n" + split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003\nfile_server\nreverse_proxy 127.0.0.1:4001\n}",
			"no request comes to the reverse_proxy for slot blue: a file_server before it answers every request"},
		"proxied before":           {"route {\nreverse_proxy 10.9.9.9:80\n" + split + right + "\n}", "no request comes to the variable green: a reverse_proxy before it answers every request"},
		"variable overwritten":     {"route {\nvars green {file.FILE}\nvars green 0000\n@green `{http.request.uuid} < {http.vars.green}`\n" + right + "\n}", "the variable green is set once more"},
		"overwritten for some":     {"route {\nvars green {file.FILE}\nvars /x green 0000\n@green `{http.request.uuid} < {http.vars.green}`\n" + right + "\n}", "the variable green is set once more"},
		"green answers itself":     {split + "handle @green {\nrespond maintenance 503\nreverse_proxy 127.0.0.1:4002 127.0.0.1:4003\n}\nreverse_proxy 127.0.0.1:4001", "that answers first"},
		"green misses one":         {split + "reverse_proxy @green 127.0.0.1:4002\nreverse_proxy 127.0.0.1:4001", "slot green sends to 127.0.0.1:4002, and the slot is at 127.0.0.1:4002 127.0.0.1:4003"},
		"green has one more":       {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003 127.0.0.1:4004\nreverse_proxy 127.0.0.1:4001", "slot green sends to"},
		"green has one twice":      {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003 127.0.0.1:4003\nreverse_proxy 127.0.0.1:4001", "slot green sends to"},
		"blue elsewhere":           {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003\nreverse_proxy 127.0.0.2:4001", "slot blue sends to 127.0.0.2:4001, and the slot is at 127.0.0.1:4001"},
		"swapped":                  {split + "reverse_proxy @green 127.0.0.1:4001\nreverse_proxy 127.0.0.1:4002 127.0.0.1:4003", "slot blue sends to 127.0.0.1:4002 127.0.0.1:4003"},
		"dynamic upstreams":        {split + "reverse_proxy @green 127.0.0.1:4002 127.0.0.1:4003\nreverse_proxy {\ndynamic a localhost 4001\n}", "slot blue has dynamic upstreams"},
		"one of two sites differs": {split + right + "\nhandle /old/* {\nvars green {file.FILE}\n@old `{http.request.uuid} < {http.vars.green}`\nreverse_proxy @old 127.0.0.1:4002\nreverse_proxy 127.0.0.1:4001\n}", "slot green sends to 127.0.0.1:4002,"},
	} {
		current = c.site
		server.Reload(t)
		err := r.Check(t.Context(), placements)
		if c.wrong == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is found in order", name)
			continue
		}
		if want := strings.ReplaceAll(c.wrong, "FILE", server.ShareFile); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error has no %q: %v", name, want, err)
		}
	}
}

// What the error says to paste is in order once it was pasted, also with a path that needs quotes.
func TestSnippetIsInOrder(t *testing.T) {
	for _, name := range []string{"", " # 1"} {
		text := "respond nothing\n"
		server := caddytest.Start(t, func(*caddytest.Server) string { return text })
		server.ShareFile += name
		r := router(t, server, time.Minute)
		placements := []service.Placement{placement("blue", blueAddress), placement("green", greenAddress)}
		err := r.Check(t.Context(), placements)
		if err == nil {
			t.Fatal("a site without the split is found in order")
		}
		_, snippet, found := strings.Cut(err.Error(), "reload Caddy:\n\n")
		if !found {
			t.Fatalf("the error has no snippet: %v", err)
		}
		text = snippet
		server.Reload(t)
		if err := r.Check(t.Context(), placements); err != nil {
			t.Errorf("with the snippet %s\n%v", snippet, err)
		}
	}
}

func TestSnippetOfUnknownAddresses(t *testing.T) {
	server := caddytest.Start(t, site("respond nothing"))
	err := router(t, server, time.Minute).Check(t.Context(), []service.Placement{placement("green", greenAddress)})
	if err == nil || !strings.Contains(err.Error(), "reverse_proxy @green 127.0.0.1:4002\n\treverse_proxy <addresses of slot blue>") {
		t.Errorf("%v", err)
	}
}

// The admin API on a socket serves Check and Drain alike.
func TestAdminOnSocket(t *testing.T) {
	server := caddytest.StartOnSocket(t, site(split+"reverse_proxy @green 127.0.0.1:4002\nreverse_proxy 127.0.0.1:4001"))
	r := router(t, server, time.Minute)
	blue, green := placement("blue", blueAddress), placement("green", greenAddress)
	if err := r.Check(t.Context(), []service.Placement{blue, green}); err != nil {
		t.Error(err)
	}
	if err := r.Drain(t.Context(), blue); err != nil {
		t.Error(err)
	}
	server.Stop(t)
	for what, err := range map[string]error{
		"Check": r.Check(t.Context(), []service.Placement{blue, green}), "Drain": r.Drain(t.Context(), blue),
	} {
		if err == nil || !strings.Contains(err.Error(), "admin API at "+server.Admin+" is not reachable") {
			t.Errorf("%s of a Caddy that is gone: %v", what, err)
		}
	}
}
