package web

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ReleaseHeader is on each answer of an instance: an answer without it came from somebody else.
const ReleaseHeader = "X-Release"

// work is how long an ordinary request takes, so that there are requests in flight when something changes.
const work = 3 * time.Millisecond

// handler answers for one release.
type handler struct {
	config Config
	// served counts users' requests.
	served atomic.Int64
}

// NewHandler serves the application, its health and its metrics.
func NewHandler(c Config) http.Handler {
	h := &handler{config: c}
	registry := prometheus.NewRegistry()
	counted := newInstruments(registry)
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", counted.wrap(http.HandlerFunc(h.home)))
	mux.Handle("GET /checkout", counted.wrap(http.HandlerFunc(h.checkout)))
	// What asks whether the release is well is not traffic, and would dilute the share of errors.
	mux.HandleFunc("GET /healthz", h.health)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(ReleaseHeader, c.Release)
		mux.ServeHTTP(w, r)
	})
}

func (h *handler) home(w http.ResponseWriter, r *http.Request) {
	time.Sleep(work)
	if fromUser(r) && h.fails() {
		answer(w, http.StatusInternalServerError, map[string]string{"error": "no connection left in the pool"})
		return
	}
	answer(w, http.StatusOK, map[string]string{
		"greeting": h.config.Greeting,
		"version":  h.config.Version(),
		"release":  h.config.Release,
		"instance": h.config.Instance,
	})
}

// fromUser tells a request that came through the router from one that was sent to the instance itself, as probes and
// smoke tests are: proxies add this header.
func fromUser(r *http.Request) bool { return r.Header.Get("X-Forwarded-For") != "" }

// fails tells whether the request at hand is one that fails under traffic.
func (h *handler) fails() bool {
	switch h.config.Fault {
	case FailsUnderTraffic:
		return h.spread(h.served.Add(1))
	case FailsOnCommand:
		// Asked for each request: what begins with the next one begins without delay.
		_, err := os.Stat(h.config.FaultFile)
		return err == nil && rand.Float64() < h.config.FaultShare //nolint:gosec // no secret
	case NoFault, NeverHealthy, BrokenCheckout:
	}
	return false
}

// spread spreads the failing requests evenly over the n-th and later ones, without chance.
func (h *handler) spread(n int64) bool {
	n -= int64(h.config.FaultAfter)
	if n <= 0 {
		return false
	}
	failed := func(of int64) float64 { return math.Floor(float64(of) * h.config.FaultShare) }
	return failed(n) > failed(n-1)
}

func (h *handler) checkout(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(work)
	if h.config.Fault == BrokenCheckout {
		answer(w, http.StatusInternalServerError, map[string]string{"error": "the payment service refuses our key"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "paid"})
}

func (h *handler) health(w http.ResponseWriter, _ *http.Request) {
	if h.config.Fault == NeverHealthy {
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "waiting for the database"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Who hung up needs no answer.
	_ = json.NewEncoder(w).Encode(body)
}
