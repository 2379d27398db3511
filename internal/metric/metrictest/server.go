package metrictest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Server is an instance that is an HTTP server with an exposition, at /metrics, of what it was told to have served.
type Server struct {
	*httptest.Server

	mu        sync.Mutex
	reachable bool
	bare      bool
	codes     map[int]int
	buckets   map[float64]int
	total     int
	sum       float64
	orders    map[string]float64
	queue     *float64
	more      string
}

// NewServer starts one that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	i := &Server{reachable: true, codes: map[int]int{200: 0}, buckets: map[float64]int{}, orders: map[string]float64{}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if !i.reachable {
			// The connection breaks. The port stays taken, so that nobody else gets it meanwhile.
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		i.expose(w)
	}))
	t.Cleanup(i.Server.Close)
	return i
}

func (i *Server) expose(w http.ResponseWriter) {
	_, _ = fmt.Fprint(w, "# TYPE up gauge\nup 1\n")
	_, _ = fmt.Fprint(w, i.more)
	for _, kind := range slices.Sorted(maps.Keys(i.orders)) {
		_, _ = fmt.Fprintf(w, "orders_total{kind=%q,shop=\"main\"} %g\n", kind, i.orders[kind])
	}
	if i.queue != nil {
		_, _ = fmt.Fprintf(w, "# TYPE queue_length gauge\nqueue_length %g\n", *i.queue)
	}
	if i.bare {
		return
	}
	_, _ = fmt.Fprint(w, "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n")
	for _, code := range slices.Sorted(maps.Keys(i.codes)) {
		_, _ = fmt.Fprintf(w, "http_requests_total{code=\"%d\",method=\"get\"} %d\n", code, i.codes[code])
	}
	_, _ = fmt.Fprint(w, "# TYPE http_request_duration_seconds histogram\n")
	for _, bound := range Bounds {
		_, _ = fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"%g\"} %d\n", bound, i.buckets[bound])
	}
	_, _ = fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"+Inf\"} %d\n", i.total)
	_, _ = fmt.Fprintf(w, "http_request_duration_seconds_sum %g\nhttp_request_duration_seconds_count %d\n", i.sum, i.total)
}

// Expose has text in the exposition as well, in place of what was said before.
func (i *Server) Expose(text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.more = text
}

// Serve implements Instance.
func (i *Server) Serve(n, code int, took time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bare = false
	i.codes[code] += n
	i.total += n
	i.sum += float64(n) * took.Seconds()
	for _, bound := range Bounds {
		if took.Seconds() <= bound {
			i.buckets[bound] += n
		}
	}
}

// Count implements Instance.
func (i *Server) Count(kind string, n float64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.orders[kind] += n
}

// Set implements Instance.
func (i *Server) Set(value float64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.queue = &value
}

// Restart implements Instance.
func (i *Server) Restart() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.orders, i.queue = map[string]float64{}, nil
	i.codes, i.buckets, i.total, i.sum = map[int]int{200: 0}, map[float64]int{}, 0, 0
}

// Reach implements Instance.
func (i *Server) Reach(reachable bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reachable = reachable
}

// Forget implements Instance.
func (i *Server) Forget() {
	i.Restart()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bare = true
}
