package haproxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const ours = "production_web_"

// names of the backend's servers.
func (s *stand) names(t *testing.T) string {
	t.Helper()
	all, err := s.servers[0].Client().Servers(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(all))
	for i, server := range all {
		names[i] = server.Name
	}
	return strings.Join(names, " ")
}

// TestDynamic: servers come with the instances and go with them, and others stay.
func TestDynamic(t *testing.T) {
	s := newStand(t, form{options: checked, dynamic: true}, 1, 2)
	s.set(t, s.split(0))
	if got, want := s.names(t), "other "+ours+"blue_0 "+ours+"green_0 "+ours+"green_1"; got != want {
		t.Errorf("the servers are %s, want %s", got, want)
	}
	s.set(t, s.split(50))
	if got := s.server(t, 0, ours+"green_1"); !got.Eligible() || !got.Checked() || got.Weight != 25 {
		t.Errorf("%+v", got)
	}
	gone := s.green.Instances[1]
	s.green.Instances = s.green.Instances[:1]
	s.set(t, s.split(50))
	s.want(t, 50)
	if got, want := s.names(t), "other "+ours+"blue_0 "+ours+"green_0"; got != want {
		t.Errorf("the servers are %s, want %s", got, want)
	}
	// A slot that the split says nothing of keeps what it has.
	s.set(t, delivery.Split{Weights: map[string]int{"green": 100}})
	s.want(t, 100)
	s.green.Instances = append(s.green.Instances, gone)
	s.set(t, s.back(100))
	if got, want := s.names(t), "other "+ours+"blue_0 "+ours+"green_0 "+ours+"green_1"; got != want {
		t.Errorf("the servers are %s, want %s", got, want)
	}
	s.want(t, 100)
}

// TestDynamicMovesWithTraffic: the server that has all of the traffic moves without a moment without.
func TestDynamicMovesWithTraffic(t *testing.T) {
	s := newStand(t, form{dynamic: true}, 1, 1)
	s.set(t, s.split(100))
	server := s.server(t, 0, ours+"green_0")
	s.green.Instances = instances(t, "green", 1).Instances
	s.set(t, s.split(100))
	if got := s.server(t, 0, ours+"green_0"); got.HostPort() != s.green.Instances[0].Address || got.ID != server.ID {
		t.Errorf("%+v, was %+v", got, server)
	}
	if got := get(s.servers[0].URL); got != "green" {
		t.Errorf("a new request is answered by %q", got)
	}
}

// TestDynamicLost: after a restart the split is none, and traffic goes back in one step.
func TestDynamicLost(t *testing.T) {
	s := newStand(t, form{options: checked, dynamic: true}, 1, 1)
	s.set(t, s.split(25))
	s.servers[0].Restart(t)
	if got, err := s.Weights(t.Context()); err != nil || got["blue"] != 0 || got["green"] != 0 {
		t.Errorf("the weights are %v, %v", got, err)
	}
	s.set(t, s.back(0))
	s.want(t, 0)
}

// TestDynamicMoves: a release at another address takes the slot's server over. What is in flight to the one before goes on.
func TestDynamicMoves(t *testing.T) {
	for name, inFlight := range map[string]bool{"idle": false, "with a request in flight": true} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{options: checked, dynamic: true}, 1, 1)
			arrived, release := make(chan bool), make(chan bool)
			slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				arrived <- true
				<-release
				_, _ = io.WriteString(w, "slow")
			}))
			t.Cleanup(slow.Close)
			fast := s.green.Instances[0].Address
			s.green.Instances[0].Address = strings.TrimPrefix(slow.URL, "http://")
			s.set(t, s.split(100))
			answer := make(chan string, 1)
			if inFlight {
				go func() { answer <- get(s.servers[0].URL) }()
				<-arrived
			}
			s.set(t, s.split(0))
			s.green.Instances[0].Address = fast
			s.set(t, s.split(100))
			if got := s.server(t, 0, ours+"green_0"); got.HostPort() != fast {
				t.Errorf("the server is at %s, want %s", got.HostPort(), fast)
			}
			if got := get(s.servers[0].URL); got != "green" {
				t.Errorf("a new request is answered by %q", got)
			}
			if inFlight {
				release <- true
				if got := <-answer; got != "slow" {
					t.Errorf("the request in flight is answered by %q", got)
				}
			}
		})
	}
}

func get(url string) string {
	response, err := http.Get(url) //nolint:gosec,noctx // the test's own server
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// TestDynamicSays: what cannot be a server is an error of Check and of SetWeights, and nothing is changed.
func TestDynamicSays(t *testing.T) {
	for name, c := range map[string]struct {
		options   string
		instances []service.Instance
		says      string
	}{
		"a name":          {instances: []service.Instance{{Name: "green/0", Address: "app1.internal:80"}}, says: "no IP address"},
		"no port":         {instances: []service.Instance{{Name: "green/0", Address: "10.0.0.5"}}, says: "host:port"},
		"one name twice":  {instances: []service.Instance{{Name: "a/green/0", Address: "10.0.0.5:80"}, {Name: "green/a 0", Address: "10.0.0.6:80"}, {Name: "green/a/0", Address: "10.0.0.7:80"}}, says: "both would be"},
		"a very long one": {instances: []service.Instance{{Name: "green/" + strings.Repeat("a", 300), Address: "10.0.0.5:80"}}, says: "characters"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{dynamic: true}, 1, 1)
			s.set(t, s.split(0))
			s.green.Instances = c.instances
			wantError(t, s.Check(t.Context(), s.split(0).Placements), c.says, "green")
			wantError(t, s.SetWeights(t.Context(), s.split(50)), c.says)
			s.want(t, 0)
		})
	}
	t.Run("options that HAProxy does not know", func(t *testing.T) {
		s := newStand(t, form{dynamic: true}, 1, 1)
		s.form.options = "chekc"
		wantError(t, s.router(t, deadline, s.servers...).SetWeights(t.Context(), s.split(50)), "chekc", "node a")
	})
}

// TestDynamicOptions: what HAProxy does not take of the options is said by Probe, in its words, and it adds nothing for that.
func TestDynamicOptions(t *testing.T) {
	s := newStand(t, form{dynamic: true, nodes: 2}, 1, 1)
	before := s.names(t)
	for options, says := range map[string]string{
		"":               "",
		" ":              "",
		"check inter 1s": "",
		"check maxconn 50 sni str(web.internal) slowstart 5s": "",
		"ssl verify none alpn h2,http/1.1 check check-ssl":    "",
		"check inetr 1s":       "unknown keyword 'inetr'; did you mean 'inter' maybe ?",
		"check inter 1z":       "after \"1z\" something is missing, or HAProxy does not take one of the values: unexpected character 'z'",
		"check inter":          "after \"inter\" something is missing, or HAProxy does not take one of the values: unexpected character 'e' in",
		"check fall 0":         ": 'fall' has to be > 0",
		"check observe":        `("end-of-options" is not in it`,
		"check maxconn":        "maxconn has no value",
		"cookie a":             "'cookie' option is not accepted for dynamic server",
		"ssl ca-file /no/such": "unable to load /no/such",
	} {
		t.Run(options, func(t *testing.T) {
			s.form.options = options
			r, questions := s.counting(t, "add server web/"+ours)
			if err := r.Check(t.Context(), s.split(0).Placements); err != nil || questions() > 0 {
				t.Errorf("Check, which each step makes, asks as well: %d times, %v", questions(), err)
			}
			err := r.Probe(t.Context())
			// HAProxy logs each question: of options that it takes there is one a node.
			if want := map[bool]int{true: 2}[strings.TrimSpace(options) != ""]; says == "" && questions() != want {
				t.Errorf("it is asked %d times, want %d", questions(), want)
			}
			switch {
			case says == "" && err != nil:
				t.Error(err)
			case says != "":
				wantError(t, err, "node a ", "node b ", "router.haproxy.dynamic.options: HAProxy adds no server with \""+options+"\"", says)
			case strings.TrimSpace(options) != "":
				if err := r.SetWeights(t.Context(), s.back(0)); err != nil {
					t.Errorf("Probe takes them, and no server is added: %v", err)
				}
				s.servers[0].Restart(t)
			}
			if got := s.names(t); got != before {
				t.Errorf("the servers are %s, and were %s", got, before)
			}
		})
	}
}

// counting is a router of s that counts its commands that begin like this.
func (s *stand) counting(t *testing.T, command string) (r *haproxy.Router, count func() int) {
	t.Helper()
	var sent atomic.Int64
	r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			connection, err := s.dial(int(node[0] - 'a'))(ctx)
			return noting{connection, command, func(string) { sent.Add(1) }}, err
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, func() int { return int(sent.Load()) }
}

// TestDynamicPutBack: what was added for a split that failed has nothing.
func TestDynamicPutBack(t *testing.T) {
	s := newStand(t, form{options: checked, dynamic: true}, 1, 1)
	s.SetWarmFor(0)
	s.set(t, s.back(0))
	s.green.Instances[0].Address = component.Refusing(t)
	wantError(t, s.SetWeights(t.Context(), s.split(50)), "green_0", "now has blue 100 %, green 0 %")
	if got := s.server(t, 0, ours+"green_0"); !got.Admin.Maint() || got.Admin&api.ForcedMaint == 0 {
		t.Errorf("%+v", got)
	}
}
