package scrape_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestParseSeries(t *testing.T) {
	for query, good := range map[string]bool{
		"orders_total": true, `orders_total{kind="paid"}`: true, ` a:b{x="1",y="}\" #\n"} `: true, `a:b{y="}\"\\"}`: true,
		`{"with.dots",kind="paid"}`: true, "": false, " ": false, "orders_total 1": false, "orders_total 1 2": false,
		"orders_total{": false, `orders_total{kind=~"p.*"}`: false, `rate(orders_total[1m])`: false, "# HELP": false, "a\nb": false, "1": false,
		"sum(orders_total)": false, `orders_total{kind="paid"}[5m]`: false, "a + b": false, "orders_total 6.02214076e23": false,
	} {
		if err := scrape.ParseSeries(query); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "orders_total{kind=") {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func TestWhatNoSeriesIs(t *testing.T) {
	const text = `# TYPE orders_total counter
orders_total{kind="paid"} 1
orders_total{kind="refused"} -1
# TYPE queue gauge
queue{name="a"} 1
queue{name="b"} 2
queue{name="c"} NaN
# TYPE took histogram
took_bucket{le="1"} 1
took_bucket{le="+Inf"} 4
took_sum 3
took_count 4
http_requests_total{code="200"} 5
`
	for name, c := range map[string]struct {
		series delivery.Series
		want   string // of the error; empty: there is none
		noData bool
	}{
		"a counter":                {delivery.Series{Query: `orders_total{kind="paid"}`}, "", false},
		"a negative count":         {delivery.Series{Query: "orders_total"}, `orders_total{kind="refused"} has the value -1`, false},
		"other labels":             {delivery.Series{Query: `orders_total{kind="lost"}`}, `there is no series orders_total{kind="lost"}`, true},
		"a gauge as a counter":     {delivery.Series{Query: "queue"}, "queue is a gauge, and a counter is asked for", false},
		"a counter as a gauge":     {delivery.Series{Query: "orders_total", Gauge: true}, "orders_total is a counter, and a gauge is asked for", false},
		"several gauges":           {delivery.Series{Query: "queue", Gauge: true}, "the series queue{name=\"c\"} has the value NaN", false},
		"one of several gauges":    {delivery.Series{Query: `queue{name="b"}`, Gauge: true}, "", false},
		"several series":           {delivery.Series{Query: "took_bucket", Gauge: true}, "2 series match took_bucket", false},
		"all buckets of a kind":    {delivery.Series{Query: "took_bucket"}, "", false},
		"a sum":                    {delivery.Series{Query: "took_sum"}, "", false},
		"a query for a Prometheus": {delivery.Series{Query: "sum(orders_total)"}, "prometheus", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPage(t, plain, text)
			s := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(p.URL), delivery.Measure{Requests: true, Series: map[string]delivery.Series{"it": c.series}})
			got, err := s.Sample(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			missing := got.Missing["it"]
			if (c.want == "") != (missing == nil) || missing != nil && (!strings.Contains(missing.Error(), c.want) || errors.Is(missing, analysis.ErrNoData) != c.noData) {
				t.Errorf("missing is %v, want %q", missing, c.want)
			}
		})
	}
}

// Buckets of one histogram are series of their own, and increase each for itself.
func TestBucketsIncrease(t *testing.T) {
	before := "# TYPE took histogram\ntook_bucket{le=\"1\"} 9\ntook_bucket{le=\"+Inf\"} 10\ntook_sum 3\ntook_count 10\n"
	after := strings.ReplaceAll(strings.ReplaceAll(before, "} 10", "} 12"), "} 9", "} 11")
	p := newPage(t, plain, before)
	s := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(p.URL), delivery.Measure{Series: map[string]delivery.Series{"fast": {Query: `took_bucket{le="1"}`}, "all": {Query: "took_bucket"}}})
	if _, err := s.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.text.Store(&after)
	if got, err := s.Sample(t.Context()); err != nil || got.Series["fast"] != 2 || got.Series["all"] != 4 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
}
