package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// instruments counts and times requests under the usual names.
type instruments struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newInstruments(registry prometheus.Registerer) *instruments {
	i := &instruments{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by status.",
		}, []string{"code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, nil),
	}
	// Series that start at zero, not with the first error: a reader can tell "none yet" from "not counted".
	for _, code := range []string{"200", "500"} {
		i.requests.WithLabelValues(code)
	}
	i.duration.WithLabelValues()
	registry.MustRegister(i.requests, i.duration)
	return i
}

func (i *instruments) wrap(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(i.duration, promhttp.InstrumentHandlerCounter(i.requests, next))
}
