package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

const release = "production/web/v5-5c1f9e0b"

// ask sends one request; router says whether it looks as if it came through a proxy.
func ask(t *testing.T, h http.Handler, path string, router bool) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if router {
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	response := w.Result()
	defer func() { _ = response.Body.Close() }()
	if got := response.Header.Get(web.ReleaseHeader); got != release {
		t.Errorf("%s: the release header is %q, want %q", path, got, release)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault                  web.Fault
		home, checkout, health int
	}{
		"good":                {web.NoFault, 200, 200, 200},
		"never healthy":       {web.NeverHealthy, 200, 200, 503},
		"broken checkout":     {web.BrokenCheckout, 200, 500, 200},
		"fails under traffic": {web.FailsUnderTraffic, 200, 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := web.NewHandler(web.Config{Release: release, Fault: test.fault, FaultShare: 1})
			for path, want := range map[string]int{"/": test.home, "/checkout": test.checkout, "/healthz": test.health} {
				if got, _ := ask(t, h, path, false); got != want {
					t.Errorf("%s asked directly answers %d, want %d", path, got, want)
				}
			}
		})
	}
}

func TestHomeNamesTheRelease(t *testing.T) {
	h := web.NewHandler(web.Config{Release: release, Instance: "green/0"})
	_, body := ask(t, h, "/", false)
	for _, want := range []string{`"version":"v5"`, `"release":"` + release + `"`, `"instance":"green/0"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the home page %s lacks %s", body, want)
		}
	}
}

func TestFailsUnderTrafficOnly(t *testing.T) {
	h := web.NewHandler(web.Config{Release: release, Fault: web.FailsUnderTraffic, FaultShare: 0.3, FaultAfter: 10})
	failed := func(n int, path string, router bool) (count int) {
		for range n {
			if status, _ := ask(t, h, path, router); status >= 500 {
				count++
			}
		}
		return count
	}
	for _, step := range []struct {
		what     string
		n        int
		path     string
		router   bool
		failures int
	}{
		{"requests to the instance itself", 20, "/", false, 0},
		{"the first ones of users", 10, "/", true, 0},
		{"users' later ones", 100, "/", true, 30},
		{"the checkout, through the router", 20, "/checkout", true, 0},
		{"the health check, through the router", 20, "/healthz", true, 0},
		{"requests to the instance itself, later", 20, "/", false, 0},
	} {
		if got := failed(step.n, step.path, step.router); got != step.failures {
			t.Errorf("%d of %s failed, want %d of %d", got, step.what, step.failures, step.n)
		}
	}
}

func TestMetricsCountTraffic(t *testing.T) {
	h := web.NewHandler(web.Config{Release: release, Fault: web.FailsUnderTraffic, FaultShare: 0.5})
	_, before := ask(t, h, "/metrics", false)
	for _, want := range []string{`http_requests_total{code="200"} 0`, `http_requests_total{code="500"} 0`, "http_request_duration_seconds_count 0"} {
		if !strings.Contains(before, want) {
			t.Errorf("before any traffic the metrics lack %q:\n%s", want, before)
		}
	}
	for range 10 {
		ask(t, h, "/", true)
		ask(t, h, "/healthz", false)
	}
	_, after := ask(t, h, "/metrics", false)
	for _, want := range []string{
		`http_requests_total{code="200"} 5`, `http_requests_total{code="500"} 5`, "http_request_duration_seconds_count 10",
		`http_request_duration_seconds_bucket{le="0.25"} `,
	} {
		if !strings.Contains(after, want) {
			t.Errorf("after ten requests the metrics lack %q:\n%s", want, after)
		}
	}
}

func TestFailsOnCommand(t *testing.T) {
	command := filepath.Join(t.TempDir(), "bad")
	failed := func(share float64, router bool) (count int) {
		h := web.NewHandler(web.Config{Release: release, Fault: web.FailsOnCommand, FaultShare: share, FaultFile: command})
		for range 40 {
			if status, _ := ask(t, h, "/", router); status >= 500 {
				count++
			}
		}
		return count
	}
	if n := failed(1, true); n != 0 {
		t.Errorf("%d requests failed before the command", n)
	}
	if err := os.WriteFile(command, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := failed(1, true); n != 40 {
		t.Errorf("%d of 40 requests failed on command, with a share of 1", n)
	}
	if n := failed(1, false); n != 0 {
		t.Errorf("%d requests that came past the router failed", n)
	}
	// All or none of them by chance: twice in 2^40.
	if n := failed(0.5, true); n == 0 || n == 40 {
		t.Errorf("%d of 40 requests failed on command, with a share of a half", n)
	}
}

func TestConfigFrom(t *testing.T) {
	good := map[string]string{"PORT": "8080", "DEPLOY_RELEASE": release, "FAULT": "fails-under-traffic", "FAULT_SHARE": "0.3", "FAULT_AFTER": "30"}
	lookup := func(changed map[string]string) func(string) string {
		return func(name string) string {
			if value, set := changed[name]; set {
				return value
			}
			return good[name]
		}
	}
	c, err := web.ConfigFrom(lookup(nil))
	want := web.Config{Address: "127.0.0.1", Port: 8080, Release: release, Instance: "8080", Fault: web.FailsUnderTraffic, FaultShare: 0.3, FaultAfter: 30}
	if err != nil || c != want {
		t.Errorf("read %+v, %v, want %+v", c, err, want)
	}
	for name, value := range map[string]string{"PORT": "", "DEPLOY_RELEASE": "", "FAULT": "typo", "FAULT_SHARE": "1.5", "FAULT_AFTER": "soon", "FAULT_FILE": "/bad"} {
		if _, err := web.ConfigFrom(lookup(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: the error is %v, and must name the variable", name, value, err)
		}
	}
	onCommand := map[string]string{"FAULT": "fails-on-command", "FAULT_FILE": "/bad"}
	if c, err = web.ConfigFrom(lookup(onCommand)); err != nil || c.FaultFile != "/bad" || c.Fault != web.FailsOnCommand {
		t.Errorf("read %+v, %v, want a fault on command of /bad", c, err)
	}
	onCommand["FAULT_FILE"] = ""
	if _, err = web.ConfigFrom(lookup(onCommand)); err == nil || !strings.Contains(err.Error(), "FAULT_FILE") {
		t.Errorf("a fault on command without a file: the error is %v", err)
	}
}
