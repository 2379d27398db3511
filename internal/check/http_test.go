package check_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// serve runs a real server and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func ask(change func(*service.HTTPCheck)) service.Check {
	c := &service.HTTPCheck{Path: "/healthz?deep=1", Timeout: 30 * second, Interval: service.Duration(time.Millisecond), Passes: 1}
	if change != nil {
		change(c)
	}
	return service.Check{HTTP: c}
}

func TestHTTPJudgesTheAnswer(t *testing.T) {
	const document = `{"status":"ok","n":3,"f":1.0,"id":12345678901234567890,"yes":true,"no":null,"items":[{"id":1},{"id":2}]}`
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		change  func(*service.HTTPCheck)
		// why is empty for a pass.
		why string
	}{
		"200":               {answering(200, ""), nil, ""},
		"299":               {answering(299, ""), nil, ""},
		"500":               {answering(500, "out of order"), nil, "500"},
		"a redirect":        {answering(302, "", "Location", "/elsewhere"), nil, "302 Found"},
		"a redirect wanted": {answering(302, "", "Location", "/elsewhere"), func(c *service.HTTPCheck) { c.Status = []int{301, 302} }, ""},
		"404 wanted":        {answering(404, ""), func(c *service.HTTPCheck) { c.Status = []int{404} }, ""},
		"200 not wanted":    {answering(200, ""), func(c *service.HTTPCheck) { c.Status = []int{404, 410} }, "404 or 410"},
		"body":              {answering(200, "all is well"), func(c *service.HTTPCheck) { c.BodyMatches = "is w.ll$" }, ""},
		"other body":        {answering(200, "oh no"), func(c *service.HTTPCheck) { c.BodyMatches = "well" }, `does not match "well"`},
		"header":            {answering(200, "", "X-Version", "1.8.2"), func(c *service.HTTPCheck) { c.HeaderMatches = map[string]string{"x-version": `^1\.8`} }, ""},
		"other header":      {answering(200, "", "X-Version", "1.7"), func(c *service.HTTPCheck) { c.HeaderMatches = map[string]string{"X-Version": `^1\.8`} }, `"1.7"`},
		"no header":         {answering(200, ""), func(c *service.HTTPCheck) { c.HeaderMatches = map[string]string{"X-Version": ``} }, "not there"},
		"json": {answering(200, document), func(c *service.HTTPCheck) {
			c.JSON = map[string]string{"$.status": "ok", "$.n": "3", "$.f": "1.0", "$.id": "12345678901234567890", "$.yes": "true", "$.no": "null",
				"$.items[1].id": "2", "$.items[*].id": "[1,2]", "$.items[?(@.id > 1)]": `[{"id":2}]`}
		}, ""},
		"json differs":     {answering(200, document), func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.status": "bad"} }, `$.status is "ok" instead of "bad"`},
		"json large":       {answering(200, document), func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.id": "12345678901234567891"} }, `12345678901234567890`},
		"json not there":   {answering(200, document), func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.nothing": ""} }, "$.nothing is not there"},
		"json is not":      {answering(200, "<html>"), func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.a": ""} }, "not JSON"},
		"json and more":    {answering(200, `{"a":1}{"a":2}`), func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.a": "1"} }, "not JSON"},
		"everything wrong": {answering(503, "x"), func(c *service.HTTPCheck) { c.BodyMatches = "y" }, "does not match"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "short")
		}, nil, "broke off"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) {
			for range 11 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, nil, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, ask(c.change), target(serve(t, c.handler)))
			if c.why == "" {
				wantPass(t, r, "green/0 answered")
				return
			}
			wantFail(t, r, "green/0", c.why)
		})
	}
}

func TestHTTPSendsWhatItSays(t *testing.T) {
	var seen atomic.Value
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.Store(fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, r.Host, r.Header.Get("X-Probe"), body))
	})
	c := ask(func(c *service.HTTPCheck) {
		c.Method, c.Body, c.Headers = "POST", "hello", map[string]string{"x-probe": "yes", "host": "shop.example"}
	})
	r := run(t, c, target(address))
	wantPass(t, r)
	if got := seen.Load(); got != "POST /healthz?deep=1 shop.example yes hello" {
		t.Errorf("sent %q", got)
	}
	if want := "POST /healthz?deep=1 of green/0 (" + address + ")"; r.Asked != want {
		t.Errorf("asked %q, wanted %q", r.Asked, want)
	}
}

func TestHTTPAsksEveryInstance(t *testing.T) {
	good, bad := serve(t, answering(200, "fine")), serve(t, answering(500, "the disk is full"))
	wantPass(t, run(t, ask(nil), target(good, good)), "green/0 answered 200", "green/1 answered 200")
	r := run(t, ask(nil), target(good, bad))
	wantFail(t, r, "green/1 answered 500")
	if !strings.Contains(r.Evidence, "the disk is full") || strings.Contains(r.Evidence, "fine") {
		t.Errorf("evidence %q", r.Evidence)
	}
	wantFail(t, run(t, ask(nil), target(good, component.Refusing(t))), "green/1 did not answer", "refused")
}

func TestNothingToAskFails(t *testing.T) {
	for _, c := range []service.Check{
		ask(nil),
		{TCP: &service.TCPCheck{Timeout: second}},
		{Logs: &service.LogsCheck{Deny: []string{"x"}}},
		{Metric: &service.MetricCheck{Name: "m", Min: pointer(0.0)}},
	} {
		to := target()
		to.Platform, to.Metrics = logged(nil), series{}
		wantFail(t, run(t, c, to), "nothing to ask")
	}
}

func TestHTTPOfAURLNeedsNoInstances(t *testing.T) {
	address := serve(t, answering(200, ""))
	wantPass(t, run(t, ask(func(c *service.HTTPCheck) { c.Path, c.URL = "", "http://"+address+"/x" }), target()))
}

// proxied counts the requests that came to the proxy that this process's environment names.
var proxied atomic.Int32

// TestMain sets the proxy before anything is asked: Go reads the variables once a process. Loopback addresses, which all
// other tests ask, never go through it. Programs run below a watcher, which is this program, as they do in the provider.
func TestMain(m *testing.M) {
	if code, asked := program.Watcher(os.Args[1:]); asked {
		os.Exit(code)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	for name, value := range map[string]string{"HTTP_PROXY": proxy.URL, "http_proxy": proxy.URL, "NO_PROXY": "", "no_proxy": ""} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	proxy.Close()
	os.Exit(code)
}

func TestInstancesAreNotAskedThroughAProxy(t *testing.T) {
	wantFail(t, run(t, ask(func(c *service.HTTPCheck) { c.Timeout = second }), target("instance.invalid:80")), "did not answer")
	if n := proxied.Load(); n != 0 {
		t.Errorf("the proxy was asked %d times for an instance", n)
	}
	// What is outside is.
	wantPass(t, run(t, ask(func(c *service.HTTPCheck) { c.Path, c.URL = "", "http://outside.invalid/" }), target()))
	if n := proxied.Swap(0); n != 1 {
		t.Errorf("the proxy was asked %d times for what is outside", n)
	}
}

func TestHTTPRetriesOnAnyFailure(t *testing.T) {
	var count atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch count.Add(1) {
		case 1:
			w.WriteHeader(http.StatusNotFound)
		case 2:
			// Cut without an answer.
			panic(http.ErrAbortHandler)
		}
	}
	address := serve(t, handler)
	wantFail(t, run(t, ask(func(c *service.HTTPCheck) { c.Retries = 1 }), target(address)), "asked 2 times, 2 failed")
	count.Store(0)
	wantPass(t, run(t, ask(func(c *service.HTTPCheck) { c.Retries = 2 }), target(address)), "asked 3 times, 2 failed")
}

func TestPassesMustFollowEachOther(t *testing.T) {
	var count atomic.Int32
	// Good, good, bad, and good from then on.
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if count.Add(1) == 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	wantPass(t, run(t, ask(func(c *service.HTTPCheck) { c.Passes, c.Retries = 3, 1 }), target(address)))
	if count.Load() != 6 {
		t.Errorf("asked %d times, wanted 3 and 3 more", count.Load())
	}
	count.Store(0)
	wantFail(t, run(t, ask(func(c *service.HTTPCheck) { c.Passes = 3 }), target(address)), "500")
}

func TestHTTPTakesTooLong(t *testing.T) {
	release := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	// The server's Close, a Cleanup, waits for the handler: it must end before.
	defer close(release)
	// The status is there at once; the end of the body never.
	r := run(t, ask(func(c *service.HTTPCheck) { c.Timeout = service.Duration(50 * time.Millisecond) }), target(address))
	wantFail(t, r, "longer than 50ms")
}

func TestHTTPMaxLatencyCountsToTheLastByte(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		// The thing under test is time itself.
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(w, "late")
	})
	latency := func(d time.Duration) service.Check {
		return ask(func(c *service.HTTPCheck) { c.MaxLatency = service.Duration(d) })
	}
	wantFail(t, run(t, latency(10*time.Millisecond), target(address)), "within 10ms")
	wantPass(t, run(t, latency(generous), target(address)))
}

func TestHTTPEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := ask(func(c *service.HTTPCheck) { c.Retries, c.Interval = 1000, service.Duration(time.Hour) })
	wantFail(t, runContext(ctx, t, c, target(address)))
}

func TestEvidenceShowsNoSecretsAndIsBounded(t *testing.T) {
	const secret = "s3cr3t&value"
	// One across the place where the evidence is cut.
	body := strings.Repeat("x", 4000) + strings.Repeat(secret, 20000)
	address := serve(t, answering(500, body, "X-Token", secret))
	to := target(address)
	to.Secrets = credentials{"token": secret}
	to.Release.Content.Secrets = map[string]string{"TOKEN": "token"}
	r := run(t, ask(func(c *service.HTTPCheck) { c.HeaderMatches = map[string]string{"X-Token": "^other$"} }), to)
	wantFail(t, r, "***")
	if !strings.Contains(r.Evidence, "***") {
		t.Errorf("evidence %q", r.Evidence)
	}
	for n := 4; n <= len(secret); n++ {
		if strings.Contains(r.Got+r.Evidence, secret[:n]) {
			t.Fatalf("shows %q", secret[:n])
		}
	}
}
