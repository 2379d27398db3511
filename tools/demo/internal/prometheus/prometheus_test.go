package prometheus_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/prometheus"
)

func program(t *testing.T) string {
	t.Helper()
	path, err := prometheus.Find()
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

func TestScrapesWhatAnswers(t *testing.T) {
	binary := program(t)
	instance := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 41\nhttp_requests_total{code=\"500\"} 1\n"))
	}))
	defer instance.Close()
	address, err := url.Parse(instance.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		t.Fatal(err)
	}
	ports, err := freeport.Find("127.0.0.1", 2)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	log, err := os.Create(filepath.Join(directory, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	c := prometheus.Config{Binary: binary, Directory: directory, Port: ports[0], Interval: 100 * time.Millisecond, Targets: []int{port, ports[1]}}
	server, err := prometheus.Start(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(10 * time.Second); err != nil {
			t.Error(err)
		}
	}()
	if err := c.WaitFor(t.Context(), "sum(http_requests_total)", 42, 20*time.Second); err != nil {
		t.Error(err)
	}
	// Instances are told apart by their address, whether they answer or not.
	if err := c.WaitFor(t.Context(), `max(up{instance="`+net.JoinHostPort("127.0.0.1", address.Port())+`"})`, 1, 20*time.Second); err != nil {
		t.Error(err)
	}
	if err := c.WaitFor(t.Context(), "count(up)", 2, 20*time.Second); err != nil {
		t.Error(err)
	}
	if err := c.WaitFor(t.Context(), "sum(http_requests_total)", 43, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), "it is 42") {
		t.Errorf("what does not come: %v", err)
	}
	if err := c.WaitFor(t.Context(), "nothing_of_the_kind", 1, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), "0 series") {
		t.Errorf("what there is no series of: %v", err)
	}
	if err := c.WaitFor(t.Context(), "sum(", 1, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("what is no expression: %v", err)
	}
}
