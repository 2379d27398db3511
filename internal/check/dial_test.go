package check_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// tunnelled is a platform whose instances the network does not lead to: what asks them by it comes to the listener of their name.
type tunnelled struct {
	delivery.Platform
	to map[string]string
}

func (p tunnelled) Dial(ctx context.Context, i service.Instance, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", p.to[i.Name])
}

func TestInstancesAreAskedAsThePlatformReachesThem(t *testing.T) {
	t.Parallel()
	platform := tunnelled{to: map[string]string{}}
	for _, name := range []string{"green/0", "green/1"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "192.0.2.1:80" {
				t.Errorf("%s is asked as %s", name, r.Host)
			}
			_, _ = w.Write([]byte(name))
		}))
		defer server.Close()
		platform.to[name] = strings.TrimPrefix(server.URL, "http://")
	}
	to := target("192.0.2.1:80", "192.0.2.1:80") // addresses that nobody has
	to.Platform = platform
	for what, c := range map[string]service.Check{
		"http": {HTTP: &service.HTTPCheck{Path: "/", BodyMatches: "^green/", Timeout: service.Duration(generous), Passes: 1}},
		"tcp":  {TCP: &service.TCPCheck{Timeout: service.Duration(generous)}},
	} {
		if r := run(t, c, to); !r.Passed {
			t.Errorf("%s: %s", what, r.Got)
		}
		to := to
		to.Platform = tunnelled{to: map[string]string{"green/0": platform.to["green/0"], "green/1": "127.0.0.1:1"}}
		if r := run(t, c, to); r.Passed || !strings.Contains(r.Got, "green/1") && !strings.Contains(r.Got, "192.0.2.1") {
			t.Errorf("%s: an instance that is not there passes, or is not named: %s", what, r.Got)
		}
	}
}
