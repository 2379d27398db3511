package haproxy_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// noting is a connection that notes the commands that begin with prefix.
type noting struct {
	net.Conn
	prefix string
	note   func(command string)
}

func (n noting) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, n.prefix) {
			n.note(strings.TrimSpace(line))
		}
	}
	return n.Conn.Write(b)
}

// movedDown is a configuration in which another backend, with servers of the same names, has the number of the backend web.
func movedDown(text string) string {
	early := haproxytest.Backend{Name: "early", Servers: haproxytest.Slot("green", 1, "127.0.0.1:9")}
	return strings.Replace(text, "\nbackend web\n", "\n"+early.String()+"backend web\n", 1)
}

// TestStatisticsOfOneBackend: while something is waited for HAProxy is asked for the statistics of the backend alone, and what is seen of them is
// of the backend also when a reload has given its number to another one, which has servers of the same names.
func TestStatisticsOfOneBackend(t *testing.T) {
	begun, release := make(chan bool), make(chan bool)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- true
			<-release
		}
	}))
	t.Cleanup(slow.Close)
	green := service.Placement{Release: "production/web/green", Slot: "green", Instances: []service.Instance{{Name: "green/0", Address: strings.TrimPrefix(slow.URL, "http://")}}}
	blue, moved := instances(t, "blue", 1), false
	server := haproxytest.Start(t, func(s *haproxytest.Server) string {
		text := haproxytest.Split(s, form{options: checked}.backend(blue, green))
		if moved {
			text = movedDown(text)
		}
		return text
	})
	var mutex sync.Mutex
	var asked []string
	r, err := haproxy.New(form{}.definition(500*time.Millisecond, server), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			connection, err := form{}.dialer(server)(ctx)
			return noting{connection, "show stat ", func(command string) {
				mutex.Lock()
				defer mutex.Unlock()
				asked = append(asked, command)
			}}, err
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{Router: r, green: green}
	s.set(t, s.split(100))
	moved = true
	server.Reload(t)
	s.set(t, s.split(100))
	go func() {
		if response, err := http.Get(server.URL + "/slow"); err == nil { //nolint:noctx // ends with the test
			_ = response.Body.Close()
		}
	}()
	<-begun
	wantError(t, r.Drain(t.Context(), green), "1 request in flight")
	close(release)
	if err := r.Drain(t.Context(), green); err != nil {
		t.Error(err)
	}
	mutex.Lock()
	defer mutex.Unlock()
	all := 0
	for _, command := range asked {
		if strings.HasPrefix(command, "show stat -1 ") {
			all++
		}
	}
	if all > 1 || len(asked) < 10 {
		t.Errorf("of %d times that statistics were asked for, %d were for those of all backends: %q", len(asked), all, asked)
	}
}

// TestWarmAfterAReload: what another backend says is not taken for what HAProxy's checks find of a server.
func TestWarmAfterAReload(t *testing.T) {
	blue, green := instances(t, "blue", 1), instances(t, "green", 1)
	moved := false
	server := haproxytest.Start(t, func(s *haproxytest.Server) string {
		text := haproxytest.Split(s, form{options: checked}.backend(blue, green))
		if moved {
			text = movedDown(text)
		}
		return text
	})
	s := &stand{Router: form{}.router(t, deadline, server), blue: blue, green: green}
	s.SetWarmFor(500 * time.Millisecond)
	s.set(t, s.split(25))
	moved, green.Instances[0].Address = true, component.Refusing(t)
	server.Reload(t)
	wantError(t, s.SetWeights(t.Context(), s.split(25)), "do not find up server green at "+green.Instances[0].Address)
}
