package scrape_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Programs that count every request count those by which they are read. No look at a service without users may find any.
func TestOurOwnReadingsAreNoTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		// series that count the readings, and those of users.
		ours, users string
	}{
		"by handler":     {`http_requests_total{code="200",handler="/metrics"}`, `http_requests_total{code="200",handler="/"}`},
		"by route":       {`http_requests_total{code="200",route="/metrics"}`, `http_requests_total{code="500",route="/"}`},
		"all in one":     {`http_requests_total{code="200"}`, ``},
		"not at all":     {``, `http_requests_total{code="200"}`},
		"users, by code": {`http_requests_total{code="200"}`, `http_requests_total{code="500"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var readings, users atomic.Int64
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n, u := readings.Add(1), users.Load()
				if c.users == "" {
					n += u
				} else {
					_, _ = fmt.Fprintln(w, c.users, u)
				}
				if c.ours != "" {
					_, _ = fmt.Fprintln(w, c.ours, n)
				}
			}))
			defer app.Close()
			sampler := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(app.URL), requests)
			sample := func(want float64) {
				t.Helper()
				if got, err := sampler.Sample(t.Context()); err != nil || got.Requests != want {
					t.Errorf("the sample is %+v (%v), want %v requests", got, err, want)
				}
			}
			sample(0)
			users.Add(3)
			sample(3)
			for range 3 {
				sample(0)
			}
			users.Add(1)
			sample(1)
		})
	}
}

// Many looks at nobody's requests are no requests.
func TestNothingPassesByOurOwnReadings(t *testing.T) {
	var n atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "http_requests_total{code=\"200\"} %d\n", n.Add(1))
	}))
	defer app.Close()
	rate := 0.05
	judge, err := analysis.New(analysis.Config{Confidence: 0.99, MinRequests: 10, Errors: &analysis.ErrorRule{MaxRate: &rate}})
	if err != nil {
		t.Fatal(err)
	}
	sampler := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(app.URL), requests)
	for range 30 {
		counts, err := sampler.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v := judge.Look(analysis.Look{Took: time.Second, Candidate: counts.Counts}); v.Decision != analysis.Wait {
			t.Fatalf("%s: %s", v.Decision, v.Reason)
		}
	}
}
