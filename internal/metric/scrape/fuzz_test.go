package scrape

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Whatever two expositions of an instance say, the counts between them are numbers that can be judged, or an error.
func FuzzCounts(f *testing.F) {
	text, err := os.ReadFile("testdata/client_golang.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), strings.ReplaceAll(string(text), "5\n", "9\n"))
	f.Add("http_requests_total{code=\"500\"} 1\n", "http_requests_total{code=\"500\"} NaN\n")
	f.Add("# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{code=\"5\",le=\"1e-320\"} 1e300\n",
		"# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{code=\"5\",le=\"NaN\"} -1\n")
	placement := service.Placement{Slot: "green", Instances: []service.Instance{{Name: "green/0"}}}
	f.Fuzz(func(t *testing.T, before, after string) {
		format := expfmt.NewFormat(expfmt.TypeTextPlain)
		measure := delivery.Measure{Threshold: time.Second, Requests: true, Series: map[string]delivery.Series{"orders": {Query: "http_requests_total"}}}
		s := &sampler{scrape: New(service.ScrapeMetrics{}, nil), placement: placement, measure: measure, marks: map[string]mark{}}
		for _, text := range []string{before, after, before} {
			e, err := parse(strings.NewReader(text), format)
			for name := range e {
				e.series(name)
				e.series(name + "_bucket")
			}
			read := []fetched{{exposition: e, err: err}}
			c, marks, err := s.count(read, read)
			if err != nil {
				continue
			}
			s.marks = marks
			for _, v := range []float64{c.Requests, c.Errors, c.Timed, c.Slow} {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Fatalf("the counts are %+v", c)
				}
			}
			if v := c.Series["orders"]; math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("orders are %g", v)
			}
			if c.Errors > c.Requests || c.Slow > c.Timed || c.Threshold < 0 {
				t.Fatalf("the counts are %+v", c)
			}
		}
	})
}
