package scrape_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Instances are scraped as their platform reaches them.
func TestScrapeDialsAsItIsTold(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("up 1\n"))
	}))
	defer server.Close()
	p := service.Placement{Instances: []service.Instance{{Name: "green/0", Address: "192.0.2.1:80"}}} // an address that nobody has
	m := scrape.New(service.ScrapeMetrics{Port: 9100}, func(ctx context.Context, i service.Instance, address string) (net.Conn, error) {
		if i.Name != "green/0" || address != "192.0.2.1:9100" {
			t.Errorf("%s is dialled at %s", i.Name, address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(server.URL, "http://"))
	})
	sum, found, err := m.Value(t.Context(), p, "up", nil)
	if err != nil || found != 1 || sum != 1 {
		t.Errorf("up is %v of %d series, %v", sum, found, err)
	}
}
