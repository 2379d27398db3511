// Package scrape counts requests by reading the Prometheus exposition of the instances themselves, so that there is no
// delay of a scrape interval and no server in between.
//
// The requests by which it reads are no traffic of the release, and nothing may pass by them. Series with a label that has
// the path as its value (handler="/metrics") are left out. Where no series names the path, one request is taken off for
// each reading, as long as the instance may count these: an interval in which it counted nothing shows that it does not.
// Other requests that are not of users, such as those of health checks, cannot be told apart.
package scrape

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The usual names, for what a definition leaves empty.
const (
	defaultPath      = "/metrics"
	defaultRequests  = "http_requests_total"
	defaultCodeLabel = "code"
	defaultDuration  = "http_request_duration_seconds"
	defaultTimeout   = 5 * time.Second
)

var _ delivery.Metrics = (*Scrape)(nil)

// Scrape reads the expositions of instances. It is safe for concurrent use; its samplers are not.
type Scrape struct {
	definition service.ScrapeMetrics
	client     *http.Client
}

// Dial connects to address, host:port, as the machine of an instance is reached.
type Dial func(ctx context.Context, i service.Instance, address string) (net.Conn, error)

// New returns the metrics of d, read over connections of dial; nil: by the network. No proxy is asked. What d leaves empty has
// the usual name: http_requests_total with the label code, http_request_duration_seconds, /metrics.
func New(d service.ScrapeMetrics, dial Dial) *Scrape {
	fill := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	fill(&d.Path, defaultPath)
	fill(&d.Requests, defaultRequests)
	fill(&d.CodeLabel, defaultCodeLabel)
	fill(&d.Duration, defaultDuration)
	if d.Timeout <= 0 {
		d.Timeout = service.Duration(defaultTimeout)
	}
	// A scrape that a connection of the instance's former process would fail is worse than a connection each.
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if i, ok := ctx.Value(scraped{}).(service.Instance); ok && dial != nil {
				return dial(ctx, i, address)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	return &Scrape{definition: d, client: client}
}

// scraped is the key by which a request's context carries the instance that it goes to.
type scraped struct{}

// Sampler begins to count what m asks of p's instances; the first Sample sets the mark.
func (s *Scrape) Sampler(p service.Placement, m delivery.Measure) delivery.Sampler {
	return &sampler{scrape: s, placement: p, measure: m, marks: map[string]mark{}}
}
