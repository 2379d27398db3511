package connect_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// proxied counts the requests that came to the proxy that this process's environment names.
var proxied atomic.Int32

// TestMain sets the proxy before anything is asked: Go reads the variables once a process.
func TestMain(m *testing.M) {
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

func TestInstancesAreNotScrapedThroughAProxy(t *testing.T) {
	a, err := connect.New(connect.Options{}).Adapters(service.Definition{
		ID: "production/web",
		Platform: service.Platform{Host: &service.HostPlatform{
			Directory: t.TempDir(), Slots: map[string]service.HostSlot{"blue": {Ports: []int{8080}}},
		}},
		Metrics: &service.Metrics{Scrape: &service.ScrapeMetrics{Timeout: service.Duration(2 * time.Second)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Not a loopback address, which never goes through a proxy.
	p := service.Placement{Release: "production/web/1-00000000", Instances: []service.Instance{{Name: "blue/0", Address: "instance.invalid:8080"}}}
	if _, _, err = a.Metrics.Value(t.Context(), p, "up", nil); err == nil {
		t.Error("an instance that is not there answers")
	}
	if n := proxied.Load(); n != 0 {
		t.Errorf("the proxy was asked %d times for an instance", n)
	}
}
