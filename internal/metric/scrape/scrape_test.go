package scrape_test

import (
	"compress/gzip"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// page serves one text after the other; the last one stays.
type page struct {
	*httptest.Server
	text atomic.Pointer[string]
}

func newPage(t *testing.T, contentType, text string) *page {
	t.Helper()
	p := &page{}
	p.text.Store(&text)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(*p.text.Load()))
	}))
	t.Cleanup(p.Server.Close)
	return p
}

// requests alone, without durations.
var requests = delivery.Measure{Requests: true}

const plain = "text/plain; version=0.0.4"

// between samples before and after, and returns the second sample.
func between(t *testing.T, d service.ScrapeMetrics, threshold time.Duration, contentType, before, after string) (analysis.Counts, error) {
	t.Helper()
	p := newPage(t, contentType, before)
	s := scrape.New(d, nil).Sampler(place(p.URL), delivery.Measure{Threshold: threshold, Requests: true})
	if _, err := s.Sample(t.Context()); err != nil {
		return analysis.Counts{}, err
	}
	p.text.Store(&after)
	sample, err := s.Sample(t.Context())
	return sample.Counts, err
}

func TestExpositions(t *testing.T) {
	const histogram = "# TYPE http_request_duration_seconds histogram\n"
	for name, c := range map[string]struct {
		definition    service.ScrapeMetrics
		contentType   string
		before, after string
		want          analysis.Counts
		threshold     time.Duration
	}{
		"other names": {
			definition: service.ScrapeMetrics{Requests: "hits", CodeLabel: "status", Duration: "took"},
			before:     "# TYPE hits counter\nhits{status=\"200\"} 10\nhits{status=\"500\"} 10\n# TYPE took histogram\ntook_bucket{le=\"1\"} 4\ntook_bucket{le=\"+Inf\"} 4\ntook_sum 1\ntook_count 4\n",
			after:      "# TYPE hits counter\nhits{status=\"200\"} 12\nhits{status=\"500\"} 11\n# TYPE took histogram\ntook_bucket{le=\"1\"} 5\ntook_bucket{le=\"+Inf\"} 7\ntook_sum 1\ntook_count 7\n",
			threshold:  time.Second,
			want:       analysis.Counts{Requests: 3, Errors: 1, Timed: 3, Slow: 2, Threshold: time.Second},
		},
		"no types": {
			before: "http_requests_total{code=\"200\"} 1\n", after: "http_requests_total{code=\"200\"} 3\n",
			want: analysis.Counts{Requests: 2},
		},
		"classes of codes": {
			before: "http_requests_total{code=\"2xx\"} 1\nhttp_requests_total{code=\"5xx\"} 1\n",
			after:  "http_requests_total{code=\"2xx\"} 2\nhttp_requests_total{code=\"5xx\"} 5\n",
			want:   analysis.Counts{Requests: 5, Errors: 4},
		},
		"a series is new": {
			before: "http_requests_total{code=\"200\"} 1\n",
			after:  "http_requests_total{code=\"200\"} 1\nhttp_requests_total{code=\"500\"} 9\n",
			want:   analysis.Counts{Requests: 9, Errors: 9},
		},
		"one series is reset": {
			before: "http_requests_total{code=\"200\"} 5\nhttp_requests_total{code=\"500\"} 5\n",
			after:  "http_requests_total{code=\"200\"} 7\nhttp_requests_total{code=\"500\"} 4\n",
			want:   analysis.Counts{Requests: 6, Errors: 4},
		},
		"the histogram alone, with codes": {
			before:    histogram + "http_request_duration_seconds_bucket{code=\"500\",le=\"1\"} 1\nhttp_request_duration_seconds_bucket{code=\"500\",le=\"+Inf\"} 1\nhttp_request_duration_seconds_count{code=\"500\"} 1\nhttp_request_duration_seconds_sum{code=\"500\"} 1\n",
			after:     histogram + "http_request_duration_seconds_bucket{code=\"500\",le=\"1\"} 1\nhttp_request_duration_seconds_bucket{code=\"500\",le=\"+Inf\"} 4\nhttp_request_duration_seconds_count{code=\"500\"} 4\nhttp_request_duration_seconds_sum{code=\"500\"} 1\n",
			threshold: 2 * time.Second,
			want:      analysis.Counts{Requests: 3, Errors: 3, Timed: 3, Slow: 3, Threshold: time.Second},
		},
		"counted at the begin, timed at the end": {
			before:    "http_requests_total{code=\"200\"} 1\n" + histogram + "http_request_duration_seconds_bucket{le=\"1\"} 0\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 0\nhttp_request_duration_seconds_count 0\nhttp_request_duration_seconds_sum 0\n",
			after:     "http_requests_total{code=\"200\"} 1\n" + histogram + "http_request_duration_seconds_bucket{le=\"1\"} 0\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 1\nhttp_request_duration_seconds_count 1\nhttp_request_duration_seconds_sum 3\n",
			threshold: time.Second,
			want:      analysis.Counts{Timed: 1, Slow: 1, Threshold: time.Second},
		},
		// From now on it counts by the counter as well; what it counted by first, it goes on with.
		"the counter comes after the histogram": {
			before: histogram + "http_request_duration_seconds_count{code=\"200\"} 1\nhttp_request_duration_seconds_sum{code=\"200\"} 1\n",
			after: histogram + "http_request_duration_seconds_count{code=\"200\"} 3\nhttp_request_duration_seconds_sum{code=\"200\"} 1\n" +
				"# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 3\n",
			want: analysis.Counts{Requests: 2},
		},
		"a content type of no format": {
			contentType: "text/html",
			before:      "http_requests_total{code=\"200\"} 1\n", after: "http_requests_total{code=\"200\"} 3\n",
			want: analysis.Counts{Requests: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.contentType == "" {
				c.contentType = plain
			}
			got, err := between(t, c.definition, c.threshold, c.contentType, c.before, c.after)
			if err != nil || got != c.want {
				t.Errorf("the sample is %+v (%v), want %+v", got, err, c.want)
			}
		})
	}
}

// What a program with the usual client library exposes is understood as it stands.
func TestClientGolang(t *testing.T) {
	text, err := os.ReadFile("testdata/client_golang.txt")
	if err != nil {
		t.Fatal(err)
	}
	after := strings.NewReplacer(`code="500"} 0`, `code="500"} 2`, `le="+Inf"} 5`, `le="+Inf"} 7`, "seconds_count 5", "seconds_count 7").Replace(string(text))
	got, err := between(t, service.ScrapeMetrics{}, 400*time.Millisecond, plain, string(text), after)
	if want := (analysis.Counts{Requests: 2, Errors: 2, Timed: 2, Slow: 2, Threshold: 500 * time.Millisecond}); err != nil || got != want {
		t.Errorf("the sample is %+v (%v), want %+v", got, err, want)
	}
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		named  string
		noData bool
	}{
		"empty":                       {"", "there is no series http_requests_total", true},
		"other series":                {"up 1\n", "there is no series http_requests_total", true},
		"no code":                     {"http_requests_total 5\n", "no series of http_requests_total has the label code", true},
		"a gauge":                     {"# TYPE http_requests_total gauge\nhttp_requests_total{code=\"200\"} 5\n", "http_requests_total is a gauge", true},
		"no histogram":                {"http_requests_total{code=\"200\"} 5\n", "there is no series http_request_duration_seconds", true},
		"a summary":                   {"http_requests_total{code=\"200\"} 5\n# TYPE http_request_duration_seconds summary\nhttp_request_duration_seconds_count 1\n", "http_request_duration_seconds is a summary", true},
		"no buckets":                  {"http_requests_total{code=\"200\"} 5\n# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 1\nhttp_request_duration_seconds_count 1\n", "it has none with a finite bound", true},
		"the histogram has no code":   {"# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{le=\"1\"} 1\nhttp_request_duration_seconds_count 1\n", "no series of http_request_duration_seconds has the label code", true},
		"NaN":                         {"http_requests_total{code=\"200\"} NaN\n", `http_requests_total{code="200"} has the value NaN`, false},
		"infinite":                    {"http_requests_total{code=\"200\"} +Inf\n", `http_requests_total{code="200"} has the value +Inf`, false},
		"negative":                    {"http_requests_total{code=\"200\"} -1\n", `http_requests_total{code="200"} has the value -1`, false},
		"NaN in a histogram":          {"http_requests_total{code=\"200\"} 5\n# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{le=\"1\"} 1\nhttp_request_duration_seconds_count NaN\n", "http_request_duration_seconds has the value NaN", false},
		"no exposition":               {"<html>\n", "is no exposition that can be read", false},
		"cut off":                     {"http_requests_total{code=\"200\"} 5", "is no exposition that can be read", false},
		"NaN that nobody asked after": {"other NaN\n", "there is no series http_requests_total", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPage(t, plain, c.text)
			got, err := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(p.URL), delivery.Measure{Threshold: time.Second, Requests: true}).Sample(t.Context())
			if err == nil || errors.Is(err, analysis.ErrNoData) != c.noData || !strings.Contains(err.Error(), c.named) ||
				!strings.Contains(err.Error(), "green/0") {
				t.Errorf("the sample is %+v, and the error %v; want one with %q that is ErrNoData: %t", got, err, c.named, c.noData)
			}
		})
	}
}

// A NaN in one of several instances is no number to add up, whatever the others say.
func TestNaNBesideNumbers(t *testing.T) {
	good := newPage(t, plain, "http_requests_total{code=\"200\"} 5\n")
	bad := newPage(t, plain, "http_requests_total{code=\"200\"} NaN\n")
	s := scrape.New(service.ScrapeMetrics{}, nil)
	if _, err := s.Sampler(place(good.URL, bad.URL), requests).Sample(t.Context()); err == nil || !strings.Contains(err.Error(), "green/1") {
		t.Errorf("%v", err)
	}
	if sum, _, err := s.Value(t.Context(), place(good.URL, bad.URL), "http_requests_total", nil); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("the value is %g (%v)", sum, err)
	}
}

func TestBodyIsBounded(t *testing.T) {
	line := "# " + strings.Repeat("x", 1<<16) + "\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip") // small on the wire
		z := gzip.NewWriter(w)
		for range 33 << 20 / len(line) {
			if _, err := z.Write([]byte(line)); err != nil {
				return
			}
		}
		_, _ = z.Write([]byte("http_requests_total{code=\"200\"} 5\n"))
		_ = z.Close()
	}))
	t.Cleanup(server.Close)
	_, err := scrape.New(service.ScrapeMetrics{Timeout: service.Duration(time.Minute)}, nil).Sampler(place(server.URL), requests).Sample(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is larger than 32 MiB") {
		t.Errorf("an exposition of 33 MiB: %v", err)
	}
}

// Instances are read side by side: one waits for the other, and gets it only if both are asked at once.
func TestInstancesAreReadSideBySide(t *testing.T) {
	var asked atomic.Int32
	both := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
			_, _ = w.Write([]byte("http_requests_total{code=\"200\"} 5\n"))
		case <-r.Context().Done():
		}
	})
	first, second := httptest.NewServer(handler), httptest.NewServer(handler)
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	s := scrape.New(service.ScrapeMetrics{Timeout: service.Duration(time.Minute)}, nil)
	if sum, found, err := s.Value(t.Context(), place(first.URL, second.URL), "http_requests_total", nil); err != nil || sum != 10 || found != 2 {
		t.Errorf("the value is %g of %d (%v)", sum, found, err)
	}
}

// One instance that hangs costs its timeout, and no more than what it did.
func TestHangingInstance(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	good := newPage(t, plain, "http_requests_total{code=\"200\"} 5\n")
	s := scrape.New(service.ScrapeMetrics{Timeout: service.Duration(200 * time.Millisecond)}, nil)
	sampler := s.Sampler(place(hanging.URL, good.URL), requests)
	if _, err := sampler.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	more := "http_requests_total{code=\"200\"} 6\n"
	good.text.Store(&more)
	if got, err := sampler.Sample(t.Context()); err != nil || got.Requests != 1 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
	if _, err := s.Sampler(place(hanging.URL), requests).Sample(t.Context()); err == nil || errors.Is(err, analysis.ErrNoData) {
		t.Errorf("a hanging instance alone: %v", err)
	}
}

func TestPathAndPort(t *testing.T) {
	var asked atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uri := r.URL.RequestURI()
		asked.Store(&uri)
		_, _ = w.Write([]byte("http_requests_total{code=\"200\"} 5\n"))
	}))
	t.Cleanup(server.Close)
	_, text, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	s := scrape.New(service.ScrapeMetrics{Path: "/internal/metrics?format=prometheus", Port: port}, nil)
	// Port 1 of the instance is not asked.
	if _, err := s.Sampler(place("127.0.0.1:1"), requests).Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := *asked.Load(); got != "/internal/metrics?format=prometheus" {
		t.Errorf("%s was asked", got)
	}
	if _, err := s.Sampler(place(), requests).Sample(t.Context()); err == nil {
		t.Error("a placement without instances has counts")
	}
	if _, err := s.Sampler(place("nonsense"), requests).Sample(t.Context()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("an address that is none: %v", err)
	}
}

// Instances that speak several formats give the one that is asked for; one that only speaks OpenMetrics is told so.
func TestOpenMetrics(t *testing.T) {
	polite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Accept"), plain[:len("text/plain")]) {
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0")
		}
		_, _ = w.Write([]byte("http_requests_total{code=\"200\"} 5\n"))
	}))
	t.Cleanup(polite.Close)
	s := scrape.New(service.ScrapeMetrics{}, nil)
	if sum, _, err := s.Value(t.Context(), place(polite.URL), "http_requests_total", nil); err != nil || sum != 5 {
		t.Errorf("the value is %g (%v)", sum, err)
	}
	stubborn := newPage(t, "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n")
	_, err := s.Sampler(place(stubborn.URL), requests).Sample(t.Context())
	if err == nil || errors.Is(err, analysis.ErrNoData) || !strings.Contains(err.Error(), "answers in OpenMetrics") {
		t.Errorf("an instance that speaks OpenMetrics alone: %v", err)
	}
}

func TestStatusIsAFailureOfTheSource(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, err := scrape.New(service.ScrapeMetrics{}, nil).Sampler(place(server.URL), requests).Sample(t.Context())
	if err == nil || errors.Is(err, analysis.ErrNoData) || !strings.Contains(err.Error(), server.URL+"/metrics answers 404") {
		t.Errorf("%v", err)
	}
}

func TestValuesOfAllTypes(t *testing.T) {
	p := newPage(t, plain, `# TYPE queue gauge
queue{name="a"} -2.5
queue{name="b"} 4
# TYPE took histogram
took_bucket{path="/",le="1.0"} 3
took_bucket{path="/",le="+Inf"} 5
took_sum{path="/"} 12.5
took_count{path="/"} 5
# TYPE size summary
size{quantile="0.5"} 7
size_sum 70
size_count 10
bare 1
# TYPE broken gauge
broken NaN
`)
	for _, c := range []struct {
		name   string
		labels map[string]string
		sum    float64
		found  int
	}{
		{"queue", nil, 1.5, 2},
		{"queue", map[string]string{"name": "b"}, 4, 1},
		{"queue", map[string]string{"name": ""}, 0, 0},
		{"bare", map[string]string{"name": ""}, 1, 1},
		{"took_count", nil, 5, 1},
		{"took_sum", map[string]string{"path": "/"}, 12.5, 1},
		{"took_bucket", map[string]string{"le": "1.0"}, 3, 1},
		{"took_bucket", map[string]string{"le": "1"}, 3, 1},
		{"took_bucket", map[string]string{"le": "+Inf"}, 5, 1},
		{"took", nil, 0, 0},
		{"size", map[string]string{"quantile": "0.5"}, 7, 1},
		{"size_sum", nil, 70, 1},
		{"size_count", nil, 10, 1},
		{"size_bucket", nil, 0, 0},
		{"queue_count", nil, 0, 0},
	} {
		sum, found, err := scrape.New(service.ScrapeMetrics{}, nil).Value(t.Context(), place(p.URL), c.name, c.labels)
		if err != nil || sum != c.sum || found != c.found {
			t.Errorf("%s%v is %g of %d series (%v), want %g of %d", c.name, c.labels, sum, found, err, c.sum, c.found)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		definition service.ScrapeMetrics
		path       string
	}{
		"empty":          {service.ScrapeMetrics{}, ""},
		"all":            {service.ScrapeMetrics{Path: "/metrics?x=1", Port: 9090, Requests: "a:b_total", CodeLabel: "status", Duration: "took", Timeout: 1}, ""},
		"relative path":  {service.ScrapeMetrics{Path: "metrics"}, "path"},
		"path of a host": {service.ScrapeMetrics{Path: "//evil.example/metrics"}, "path"},
		"URL":            {service.ScrapeMetrics{Path: "http://localhost/metrics"}, "path"},
		"port too high":  {service.ScrapeMetrics{Port: 65536}, "port"},
		"negative port":  {service.ScrapeMetrics{Port: -1}, "port"},
		"bad counter":    {service.ScrapeMetrics{Requests: "\xff"}, "requests"},
		"bad histogram":  {service.ScrapeMetrics{Duration: "\xff"}, "duration"},
		"bad label":      {service.ScrapeMetrics{CodeLabel: "\xff"}, "code_label"},
		"negative time":  {service.ScrapeMetrics{Timeout: -1}, "timeout"},
	} {
		problems := scrape.Validate(c.definition)
		if c.path == "" && len(problems) != 0 || c.path != "" && (len(problems) != 1 || problems[0].Path[0] != c.path) {
			t.Errorf("%s: %v, want one problem at %q", name, problems, c.path)
		}
	}
}
