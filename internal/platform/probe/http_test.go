package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/probe"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// server answers as tests ask it to, and returns its address.
func server(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.Handle("/moved", http.RedirectHandler("/", http.StatusFound))
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("a", 300)+"b", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/asked", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("%s %s %s %v", r.Method, r.Host, r.Header.Get("X-Token"), r.Close), http.StatusConflict)
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestHTTP(t *testing.T) {
	address := server(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for name, c := range map[string]struct {
		probe service.HTTPProbe
		// want is the whole error; empty: healthy.
		want string
	}{
		"healthy":               {service.HTTPProbe{Path: "/"}, ""},
		"without a slash":       {service.HTTPProbe{Path: ""}, ""},
		"another status":        {service.HTTPProbe{Path: "/teapot"}, "GET /teapot: 418 I'm a teapot"},
		"a status that is good": {service.HTTPProbe{Path: "/teapot", Status: []int{200, 418}}, ""},
		"200 that is not":       {service.HTTPProbe{Path: "/", Status: []int{204}}, "GET /: 200 OK"},
		"a redirect":            {service.HTTPProbe{Path: "/moved", Status: []int{200}}, `GET /moved: 302 Found to /, "<a href=\"/\">Found</a>."`},
		"a redirect that is":    {service.HTTPProbe{Path: "/moved", Status: []int{302}}, ""},
		"a long body":           {service.HTTPProbe{Path: "/long"}, `GET /long: 503 Service Unavailable, "` + strings.Repeat("a", 300) + `"`},
		"headers":               {service.HTTPProbe{Path: "/asked", Headers: map[string]string{"host": "example.com", "x-token": "t"}}, `GET /asked: 409 Conflict, "GET example.com t true"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := probe.HTTP(t.Context(), new(net.Dialer).DialContext, address, c.probe); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The way to the instance is the caller's: it may lead through a machine, where the address means another one than here.
func TestHTTPDials(t *testing.T) {
	address := server(t)
	var asked string
	err := probe.HTTP(t.Context(), func(ctx context.Context, network, where string) (net.Conn, error) {
		asked = where
		return new(net.Dialer).DialContext(ctx, network, address)
	}, "10.0.0.1:8080", service.HTTPProbe{Path: "/"})
	if err != nil || asked != "10.0.0.1:8080" {
		t.Errorf("asked %q: %v", asked, err)
	}
	refused := errors.New("refused")
	err = probe.HTTP(t.Context(), func(context.Context, string, string) (net.Conn, error) { return nil, refused }, address, service.HTTPProbe{Path: "/"})
	if !errors.Is(err, refused) || err.Error() != "GET /: refused" {
		t.Errorf("got %v", err)
	}
}

func TestHTTPEndsWithItsContext(t *testing.T) {
	address := server(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := probe.HTTP(ctx, new(net.Dialer).DialContext, address, service.HTTPProbe{Path: "/silent"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
