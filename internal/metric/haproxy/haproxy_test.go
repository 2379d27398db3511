package haproxy_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	client "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var requests = delivery.Measure{Requests: true}

// startStatic runs an HAProxy whose frontend and backend have one name, as a section listen has, with a server at the address.
func startStatic(t *testing.T, address string) *haproxytest.Server {
	t.Helper()
	return haproxytest.Start(t, func(s *haproxytest.Server) string {
		text := haproxytest.Split(s, haproxytest.Backend{Servers: append(haproxytest.Slot("blue", 0, "127.0.0.1:1"), haproxytest.Slot("green", 1, address)...)})
		return strings.Replace(text, "frontend public", "frontend web", 1)
	})
}

func serve(t *testing.T, s *haproxytest.Server, n int, query string) {
	t.Helper()
	for range n {
		response, err := http.Get(s.URL + query) //nolint:noctx // answered at once
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
}

func wantSample(t *testing.T, s delivery.Sampler, what string, requests, errs float64) {
	t.Helper()
	got, err := s.Sample(t.Context())
	if err != nil || got.Counts != (analysis.Counts{Requests: requests, Errors: errs}) {
		t.Errorf("%s the sample is %+v (%v), want %g requests and %g errors", what, got, err, requests, errs)
	}
}

// A process that is another one began at 0, also where it has counted more by now than the old one had.
func TestNewProcess(t *testing.T) {
	address := newAnswering(t)
	s := startStatic(t, address)
	sampler := haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, "web", nil).Sampler(place(address), requests)
	serve(t, s, 3, "/?code=500")
	wantSample(t, sampler, "at first", 0, 0)
	serve(t, s, 2, "/?code=500")
	wantSample(t, sampler, "then", 2, 2)
	for what, change := range map[string]func(testing.TB){"after a reload": s.Reload, "after a restart": s.Restart} {
		change(t)
		serve(t, s, 11, "/")
		serve(t, s, 8, "/?code=500")
		wantSample(t, sampler, what, 19, 8)
		serve(t, s, 1, "/?code=500")
		wantSample(t, sampler, what+", again,", 1, 1)
	}
	if total, err := sampler.Total(t.Context()); err != nil || total.Requests != 20 || total.Errors != 9 {
		t.Errorf("the total is %+v (%v)", total, err)
	}
	s.Command(t, "clear counters all")
	serve(t, s, 4, "/?code=500")
	wantSample(t, sampler, "with cleared counters", 4, 4)
}

// Two nodes are added up; one that cannot be asked is an error, and what it counts meanwhile is counted later.
func TestNodes(t *testing.T) {
	address := newAnswering(t)
	first, second := startStatic(t, address), startStatic(t, address)
	metrics := haproxy.New([]haproxy.Node{{Name: "a", Client: first.Client()}, {Name: "b", Client: second.ClientTCP()}}, "web", nil)
	sampler := metrics.Sampler(place(address), requests)
	wantSample(t, sampler, "at first", 0, 0)
	serve(t, first, 2, "/?code=500")
	serve(t, second, 3, "/")
	wantSample(t, sampler, "of both", 5, 2)
	serve(t, first, 4, "/?code=500")
	serve(t, second, 4, "/?code=500")
	second.Kill(t)
	_, err := sampler.Sample(t.Context())
	if err == nil || errors.Is(err, analysis.ErrNoData) || !strings.Contains(err.Error(), second.Address) || !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("with a node that is gone: %v", err)
	}
	if _, _, err := metrics.Value(t.Context(), place(address), "requests", nil); err == nil {
		t.Error("there is a value without one of the nodes")
	}
	if _, err := metrics.Survey(t.Context(), place(address), requests); err == nil {
		t.Error("there is a survey without one of the nodes")
	}
	second.Run(t)
	serve(t, second, 1, "/")
	wantSample(t, sampler, "once it is back", 5, 4)
}

// A server that is given an address of the placement is its own from then on.
func TestServerIsMoved(t *testing.T) {
	address, other := newAnswering(t), newAnswering(t)
	s := startStatic(t, other)
	metrics := haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, "web", nil)
	ofOther, of := metrics.Sampler(place(other), requests), metrics.Sampler(place("127.0.0.1:1", address), requests)
	serve(t, s, 10, "/?code=500")
	wantSample(t, ofOther, "at first", 0, 0)
	wantSample(t, of, "at first", 0, 0)
	host, port, _ := strings.Cut(address, ":")
	s.Command(t, "set server web/green addr "+host+" port "+port)
	serve(t, s, 3, "/?code=500")
	wantSample(t, of, "of the server that was moved", 3, 3)
	_, err := ofOther.Sample(t.Context())
	if !errors.Is(err, analysis.ErrNoData) {
		t.Errorf("of an address that no server has: %v", err)
	}
	for _, want := range []string{"backend web", other, "blue 127.0.0.1:1", "green " + address} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not name %s", err, want)
		}
	}
	survey, err := metrics.Survey(t.Context(), place(address, other), requests)
	if err != nil || len(survey.Unknown) != 1 || !strings.Contains(survey.Unknown[0], "node a has no server for green/1 ("+other+")") {
		t.Errorf("the survey is %+v (%v)", survey, err)
	}
}

func TestByAddress(t *testing.T) {
	for _, c := range []struct {
		server  client.Server
		address string
		want    bool
	}{
		{client.Server{Address: "127.0.0.1", Port: 80}, "127.0.0.1:80", true},
		{client.Server{Address: "127.0.0.1", Port: 81}, "127.0.0.1:80", false},
		{client.Server{Address: "::1", Port: 80}, "[0:0:0:0:0:0:0:1]:80", true},
		{client.Server{Address: "10.0.0.1", Port: 80, FQDN: "Web.example."}, "web.example:80", true},
		{client.Server{Port: 80, FQDN: "web.example"}, "web.example:80", true},
		{client.Server{Address: "10.0.0.1", Port: 80, FQDN: "web.example"}, "10.0.0.1:80", true},
		{client.Server{Address: "10.0.0.1", Port: 80}, "web.example:80", false},
		{client.Server{Address: "127.0.0.1", Port: 80}, "localhost:80", true},
		{client.Server{}, "", false},
		{client.Server{}, "nonsense", false},
	} {
		if got := haproxy.ByAddress(c.server, service.Instance{Address: c.address}); got != c.want {
			t.Errorf("%+v leads to %s: %t", c.server, c.address, got)
		}
	}
}

// The series of HAProxy's own: counters by their increase, times by the mean, weighted by requests, as long as there is something new.
func TestSeries(t *testing.T) {
	first, second := newAnswering(t), newAnswering(t)
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s, haproxytest.Backend{Servers: haproxytest.Slot("green", 1, first, second)})
	})
	metrics := haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, "web", nil)
	measure := delivery.Measure{Series: map[string]delivery.Series{
		"good": {Query: "2xx"}, "bad": {Query: "5xx"}, "again": {Query: "wretr"}, "all": {Query: "sessions"}, "took": {Query: "rtime", Gauge: true},
		"wrong": {Query: "2xy"}, "kind": {Query: "rtime"},
	}}
	sampler := metrics.Sampler(place(first, second), measure)
	serve(t, s, 3, "/")
	if got, err := sampler.Sample(t.Context()); err != nil || got.Series["good"] != 0 {
		t.Errorf("the first sample is %+v (%v)", got, err)
	}
	serve(t, s, 6, "/")
	serve(t, s, 4, "/?code=503")
	got, err := sampler.Sample(t.Context())
	took, measured := got.Series["took"]
	if err != nil || got.Requests != 0 || got.Series["good"] != 6 || got.Series["bad"] != 4 || got.Series["again"] != 0 || got.Series["all"] != 10 || !measured || took < 0 || len(got.Series) != 5 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
	if len(got.Missing) != 2 || !errors.Is(got.Missing["wrong"], analysis.ErrNoData) || !strings.Contains(got.Missing["wrong"].Error(), "there is 2xx") {
		t.Errorf("what is missing is %v", got.Missing)
	}
	got, err = sampler.Sample(t.Context())
	if _, measured := got.Series["took"]; err != nil || measured || got.Missing["took"] != nil || got.Series["good"] != 0 {
		t.Errorf("without requests the sample is %+v (%v)", got, err)
	}
	survey, err := metrics.Survey(t.Context(), place(first, second), measure)
	if err != nil || len(survey.Unknown) != 2 || len(survey.Notes) != 1 || survey.Resolution != 0 || survey.Threshold != 0 {
		t.Errorf("the survey is %+v (%v)", survey, err)
	}
	for name, want := range map[string]float64{"2xx": 9, "5xx": 4, "requests": 13, "errors": 4, "sessions": 13} {
		if sum, found, err := metrics.Value(t.Context(), place(first, second), name, nil); err != nil || sum != want || found != 2 {
			t.Errorf("%s is %g of %d (%v), want %g", name, sum, found, err, want)
		}
	}
	if _, found, err := metrics.Value(t.Context(), place(first), "rtime", nil); err != nil || found != 1 {
		t.Errorf("rtime of one server is found %d times (%v)", found, err)
	}
}

func TestParseSeries(t *testing.T) {
	for query, gauge := range map[string]bool{"2xx": false, "5xx": false, "econ": false, "wredis": false, "rtime": true, "qtime": true} {
		if err := haproxy.ParseSeries(delivery.Series{Query: query, Gauge: gauge}); err != nil {
			t.Error(err)
		}
		if err := haproxy.ParseSeries(delivery.Series{Query: query, Gauge: !gauge}); err == nil || !strings.Contains(err.Error(), query) {
			t.Errorf("%s as another kind: %v", query, err)
		}
	}
	for query, want := range map[string]string{"wretry": "wretr", "hrsp_5xx": "5xx", "": "none", `2xx{server="a"}`: "2xx", "orders_total": "none"} {
		if err := haproxy.ParseSeries(delivery.Series{Query: query}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, which does not name %s", query, err, want)
		}
	}
}

// In mode tcp there are sessions and no answers.
func TestTCP(t *testing.T) {
	address := newAnswering(t)
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return strings.ReplaceAll(haproxytest.Split(s, haproxytest.Backend{Servers: haproxytest.Slot("green", 1, address)}), "mode http", "mode tcp")
	})
	metrics := haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, "web", nil)
	if _, err := metrics.Sampler(place(address), requests).Sample(t.Context()); !errors.Is(err, analysis.ErrNoData) || !strings.Contains(err.Error(), "mode http") {
		t.Errorf("requests in mode tcp: %v", err)
	}
	measure := delivery.Measure{Series: map[string]delivery.Series{"good": {Query: "2xx"}, "all": {Query: "sessions"}}}
	if got, err := metrics.Sampler(place(address), measure).Sample(t.Context()); err != nil || !errors.Is(got.Missing["good"], analysis.ErrNoData) || len(got.Series) != 1 {
		t.Errorf("series in mode tcp: %+v (%v)", got, err)
	}
	survey, err := metrics.Survey(t.Context(), place(address), requests)
	if err != nil || !slices.ContainsFunc(survey.Unknown, func(text string) bool { return strings.Contains(text, "mode tcp") }) {
		t.Errorf("the survey is %+v (%v)", survey, err)
	}
	if _, err := haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, "nope", nil).Survey(t.Context(), place(address), requests); !errors.Is(err, client.ErrNoBackend) {
		t.Errorf("a backend that is not there: %v", err)
	}
}
