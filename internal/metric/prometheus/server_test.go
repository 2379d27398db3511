package prometheus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/metrictest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus/prometheustest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What the contract does not ask for, of one real server and one instance, or a router that a preset is about.
func TestServer(t *testing.T) {
	instance := metrictest.NewServer(t)
	address := instance.Listener.Addr().String()
	server := prometheustest.Start(t, interval, address)
	w := world{t: t, Server: instance, address: address, server: server}
	t.Run("its scrape interval", w.resolution)
	t.Run("presets", w.presets)
	t.Run("business", w.business)
	t.Run("counts over an interval", w.intervals)
	t.Run("a query that it refuses", w.refused)
}

type world struct {
	*metrictest.Server
	t       *testing.T
	address string
	server  *prometheustest.Server
}

func (w world) settle(t *testing.T) {
	t.Helper()
	w.server.Settle(t, w.address)
}

func (w world) resolution(t *testing.T) {
	w.settle(t)
	survey, err := connect(t, service.PrometheusMetrics{URL: w.server.URL}).Survey(t.Context(), place(w.address), requests)
	if err != nil || survey.Resolution != interval || len(survey.Notes) > 0 {
		t.Errorf("the survey is %+v (%v), want something new every %s", survey, err, interval)
	}
}

func (w world) presets(t *testing.T) {
	for name, c := range map[string]struct {
		definition service.PrometheusMetrics
		// text has %d for good requests, %d for failed ones, and other releases beside.
		text    string
		latency bool
	}{
		"traefik": {service.PrometheusMetrics{Preset: "traefik", Service: "web-{{slot}}"}, `traefik_service_requests_total{code="200",method="GET",protocol="http",service="web-green@file"} %[1]d
traefik_service_requests_total{code="502",method="GET",protocol="http",service="web-green@file"} %[2]d
traefik_service_requests_total{code="500",method="GET",protocol="http",service="web-blue@file"} %[3]d
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web-green@file",le="0.3"} %[1]d
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web-green@file",le="+Inf"} %[3]d
`, true},
		"haproxy": {service.PrometheusMetrics{Preset: "haproxy", Selector: `proxy="web"`}, `haproxy_server_http_responses_total{proxy="web",server="green1",code="2xx"} %[1]d
haproxy_server_http_responses_total{proxy="web",server="green1",code="5xx"} %[2]d
haproxy_server_http_responses_total{proxy="web",server="blue1",code="5xx"} %[3]d
haproxy_server_http_responses_total{proxy="other",server="green1",code="5xx"} %[3]d
`, false},
		"caddy": {service.PrometheusMetrics{Preset: "caddy"}, `caddy_http_request_duration_seconds_bucket{code="200",handler="subroute",method="GET",server="srv0",le="0.25"} %[1]d
caddy_http_request_duration_seconds_bucket{code="200",handler="subroute",method="GET",server="srv0",le="+Inf"} %[3]d
caddy_http_request_duration_seconds_count{code="200",handler="subroute",method="GET",server="srv0"} %[1]d
caddy_http_request_duration_seconds_count{code="500",handler="subroute",method="GET",server="srv0"} %[2]d
caddy_http_request_duration_seconds_count{code="500",handler="headers",method="GET",server="srv0"} %[3]d
`, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.definition.URL = w.server.URL
			metrics := connect(t, c.definition)
			measure := delivery.Measure{Requests: true, Threshold: 260 * time.Millisecond}
			w.Expose(fmt.Sprintf(c.text, 10, 1, 100))
			w.settle(t)
			sampler := metrics.Sampler(place(w.address), measure)
			if _, err := sampler.Sample(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Expose(fmt.Sprintf(c.text, 15, 3, 107))
			w.settle(t)
			got, err := sampler.Sample(t.Context())
			if err != nil || got.Requests != 7 || got.Errors != 2 || c.latency != (got.Slow == 2 && got.Timed == 7) || !c.latency && got.Timed != 0 {
				t.Errorf("the sample is %+v (%v)", got, err)
			}
			survey, err := metrics.Survey(t.Context(), place(w.address), measure)
			if err != nil || (survey.Threshold > 0) != c.latency || c.latency != (len(survey.Unknown) == 0) ||
				!c.latency && !strings.Contains(survey.Unknown[0], "latency is not judged: haproxy has no histogram") {
				t.Errorf("the survey is %+v (%v)", survey, err)
			}
		})
	}
}

// sample of one business series.
func (w world) sample(t *testing.T, s delivery.Sampler) (float64, bool, error) {
	t.Helper()
	got, err := s.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	value, found := got.Series["it"]
	return value, found, got.Missing["it"]
}

func (w world) business(t *testing.T) {
	w.Expose("queue{name=\"a\"} 3\nqueue{name=\"b\"} 4\nqueue{name=\"c\"} 5\nqueue{name=\"d\"} 6\n")
	w.settle(t)
	metrics := connect(t, service.PrometheusMetrics{URL: w.server.URL})
	for query, want := range map[string]string{
		`queue{instance=~"{{instances}}"}`:                  "the answer has 4 series",
		`queue{name="a",instance=~"{{instances}}"}`:         "3",
		`sum(queue{instance=~"{{instances}}"})`:             "18",
		`sum(queue{instance=~"{{instances}}"}) * 0 / 0`:     "NaN",
		`sum(queue{instance=~"{{instances}}"}) / 0`:         "+Inf",
		`sum(nothing{instance=~"{{instances}}"})`:           "no series matches",
		`queue{instance=~"{{instances}}"`:                   "parse error",
		`scalar(queue{name="a",instance=~"{{instances}}"})`: "expected type instant vector",
	} {
		s := metrics.Sampler(place(w.address), delivery.Measure{Series: map[string]delivery.Series{"it": {Query: query, Gauge: true}}})
		value, found, err := w.sample(t, s)
		if found && fmt.Sprint(value) != want || !found && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s is %g, there: %t (%v), want %s", query, value, found, err, want)
		}
		if err != nil && strings.Contains(want, "4 series") {
			for _, part := range []string{`name="a"`, `name="c"`, "…", "sum(…)"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %s", err, part)
				}
			}
		}
		// No number is taken twice.
		if _, again, err := w.sample(t, s); found && again && err == nil && !w.scraped(t, s) {
			t.Errorf("%s is new again at once", query)
		}
	}
}

// scraped tells whether it may be that a scrape came in between.
func (w world) scraped(t *testing.T, s delivery.Sampler) bool {
	t.Helper()
	for range 3 { // three at once lie within one interval, but for chance
		if _, found, _ := w.sample(t, s); !found {
			return true
		}
	}
	return false
}

func (w world) intervals(t *testing.T) {
	metrics := connect(t, service.PrometheusMetrics{URL: w.server.URL, Queries: &service.PrometheusQueries{
		Requests:        `sum by (code) (increase(http_requests_total{instance=~"{{instances}}"}[{{interval}}]))`,
		DurationBuckets: `sum by (le) (increase(http_request_duration_seconds_bucket{instance=~"{{instances}}"}[{{interval}}]))`,
	}})
	orders := map[string]delivery.Series{"it": {Query: `sum(increase(http_requests_total{code="500",instance=~"{{instances}}"}[{{interval}}]))`}}
	measure := delivery.Measure{Requests: true, Threshold: 250 * time.Millisecond, Series: orders}
	w.Serve(1, 200, time.Millisecond)
	w.Serve(1, 500, time.Millisecond)
	w.settle(t)
	w.settle(t) // increase() needs two samples
	s := metrics.Sampler(place(w.address), measure)
	got, err := s.Sample(t.Context())
	if err != nil || got.Counts != (analysis.Counts{}) || got.Series["it"] != 0 {
		t.Fatalf("the first sample is %+v (%v)", got, err)
	}
	// At once there is no answer yet, which is no error.
	if got, err := s.Sample(t.Context()); err != nil || got.Counts != (analysis.Counts{}) {
		t.Fatalf("at once it is %+v (%v)", got, err)
	}
	// What happens between the end of one interval and the first scrape in the next, increase() does not see.
	w.settle(t)
	w.settle(t)
	w.Serve(900, 200, time.Millisecond)
	w.Serve(100, 500, time.Second)
	for range 6 {
		w.settle(t)
	}
	got, err = s.Sample(t.Context())
	// Extrapolated, so about.
	if err != nil || got.Requests < 700 || got.Requests > 1500 || got.Errors < 70 || got.Errors > 150 || got.Slow < 70 || got.Slow > 150 || got.Series["it"] < 70 || got.Series["it"] > 150 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
	survey, err := metrics.Survey(t.Context(), place(w.address), measure)
	if err != nil || survey.Resolution != 4*interval || survey.Threshold != 250*time.Millisecond || len(survey.Unknown) > 0 {
		t.Errorf("the survey is %+v (%v)", survey, err)
	}
	if total, err := s.Total(t.Context()); err != nil || total.Requests < 700 || total.Errors < 70 || total.Slow < 70 {
		t.Errorf("the total is %+v (%v)", total, err)
	}
}

func (w world) refused(t *testing.T) {
	metrics := connect(t, service.PrometheusMetrics{URL: w.server.URL, Queries: &service.PrometheusQueries{Errors: `http_requests_total{code~"5..",slot="{{slot}}"}`}})
	_, err := metrics.Sampler(place(w.address), requests).Sample(t.Context())
	if err == nil || !strings.Contains(err.Error(), "errors: http_requests_total{code~") || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("the error is %v, which does not name the query and what is wrong with it", err)
	}
	survey, err := metrics.Survey(t.Context(), place(w.address), requests)
	if err != nil || len(survey.Unknown) != 1 || !strings.Contains(survey.Unknown[0], "parse error") {
		t.Errorf("the survey is %+v (%v)", survey, err)
	}
}
