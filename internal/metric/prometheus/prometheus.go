// Package prometheus counts requests by asking a server with Prometheus' HTTP API.
//
// What is counted are the counters themselves, as the server has them now, and the differences are taken here, series by series, as
// internal/metric/scrape does: increase() and rate() extrapolate to the ends of their window, so that of five errors they make
// 5.7, and need two samples in it, so that a window as short as a look has none. With the counters counts are exact, however often
// they are asked for; a look between two scrapes counts nothing. A query that is an expression with {{interval}} is taken as the count
// that it says it is; it is asked no more often than it can be answered.
//
// The server answers an instant query with samples up to five minutes old, without a word. So the age of the newest one is asked for in
// the same query, by timestamp(), and counters that stand still because nobody reads them are no data. That an instance cannot be read
// is told by its series up.
package prometheus

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultTimeout   = 10 * time.Second
	defaultCodeLabel = "code"
)

var _ delivery.Metrics = (*Prometheus)(nil)

// Prometheus asks one server. It is safe for concurrent use; its samplers are not.
type Prometheus struct {
	definition service.PrometheusMetrics
	queries    queries
	client     api.Client
	api        v1.API
}

// New returns the metrics of d. Credentials are looked up each time the server is asked. The error is the first problem that Validate
// finds, or says what is wrong with a file.
func New(d service.PrometheusMetrics, credentials delivery.Credentials) (*Prometheus, error) {
	if problems := Validate(d); len(problems) > 0 {
		return nil, problems[0]
	}
	if d.Timeout <= 0 {
		d.Timeout = service.Duration(defaultTimeout)
	}
	q, err := newQueries(d)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(d, credentials)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(api.Config{Address: d.URL, Client: &http.Client{Transport: transport, CheckRedirect: refuseRedirect}})
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &Prometheus{definition: d, queries: q, client: client, api: v1.NewAPI(client)}, nil
}

// Sampler begins to count what m asks of p; the first Sample sets the mark.
func (c *Prometheus) Sampler(p service.Placement, m delivery.Measure) delivery.Sampler {
	return &sampler{prometheus: c, placement: p, measure: m}
}
