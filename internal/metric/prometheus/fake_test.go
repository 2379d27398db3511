package prometheus_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// credentials of the tests.
type credentials map[string]string

func (c credentials) Lookup(name string) (string, error) {
	if secret, found := c[name]; found {
		return secret, nil
	}
	return "", errors.New("the credential " + name + " is not known: set it")
}

var secrets = credentials{"token": "s3cr3t-token", "password": "s3cr3t-password"}

var requests = delivery.Measure{Requests: true}

// A fake is for what a Prometheus does not do on command: fail, warn, fall behind, be another product. It answers every query alike.
func fake(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// vector writes an answer of now, of elements such as {"deploy_part":"requests"} 5.
func vector(elements ...string) string {
	now := float64(time.Now().UnixMilli()) / 1000
	all := []string{element(`{"deploy_part":"clock"}`, now, 0)}
	for _, e := range elements {
		labels, value, _ := strings.Cut(e, "} ")
		all = append(all, fmt.Sprintf(`{"metric":%s},"value":[%.3f,%q]}`, labels, now, value))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(all, ",") + `]}}`
}

func element(labels string, at, value float64) string {
	return fmt.Sprintf(`{"metric":%s,"value":[%.3f,"%g"]}`, labels, at, value)
}

// old is how a sample's time stands in an answer.
func old(age time.Duration) string {
	return fmt.Sprintf("%.3f", float64(time.Now().Add(-age).UnixMilli())/1000)
}

func TestFailuresOfTheSource(t *testing.T) {
	write := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	sample := `{"deploy_part":"requests","instance":"a:1","code":"200"} `
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		noData bool
	}{
		"a status":           {write(503, "overloaded"), "503", false},
		"a refused query":    {write(400, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected }"}`), "parse error: unexpected }", false},
		"a timeout of its":   {write(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), "503", false},
		"who are you":        {write(401, "no"), "401", false},
		"HTML":               {write(200, "<html>"), "bad_response", false},
		"a partial answer":   {write(200, strings.Replace(vector(), `"data"`, `"warnings":["store 2 is away"],"data"`, 1)), "may not be whole: store 2 is away", false},
		"another type":       {write(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`), "is a scalar", false},
		"no clock":           {write(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`), "no Prometheus", false},
		"nothing":            {write(200, vector()), "no series matches http_requests_total{instance=~", true},
		"no code":            {write(200, vector(`{"deploy_part":"requests","instance":"a:1"} 5`)), "has the label code with the HTTP status", true},
		"NaN":                {write(200, vector(sample+"NaN")), "has the value NaN", false},
		"infinite":           {write(200, vector(sample+"+Inf")), "has the value +Inf", false},
		"negative":           {write(200, vector(sample+"-1")), "has the value -1", false},
		"instances are down": {write(200, vector(`{"deploy_part":"up","instance":"a:1"} 0`)), "up is 0 for a:1", false},
		"stale":              {write(200, vector(sample+"5", `{"deploy_part":"requests","deploy_timestamp":"1"} `+old(4*time.Minute))), "the newest sample is 4m0s old", true},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.example/", http.StatusTemporaryRedirect)
		}, "redirects to http://login.example/", false},
		"it is too large": {func(w http.ResponseWriter, _ *http.Request) {
			for range 33 {
				_, _ = w.Write([]byte(strings.Repeat(" ", 1<<20)))
			}
		}, "more than 32 MiB", false},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := connect(t, service.PrometheusMetrics{URL: fake(t, c.answer), Bearer: "token"})
			_, err := metrics.Sampler(place("a:1"), requests).Sample(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, analysis.ErrNoData) != c.noData {
				t.Errorf("the error is %v, want one with %q that is ErrNoData: %t", err, c.want, c.noData)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
	_, err := connect(t, service.PrometheusMetrics{URL: "http://127.0.0.1:1"}).Sampler(place("a:1"), requests).Sample(t.Context())
	if err == nil || errors.Is(err, analysis.ErrNoData) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("nobody listens: %v", err)
	}
}

// Samples are stale by how often there should be one, which the list of targets tells, or else how far they lay apart.
func TestStaleIsBySeveralScrapes(t *testing.T) {
	for name, c := range map[string]struct {
		age     time.Duration
		targets string
		gap     int // milliseconds between the samples of up
		stale   bool
	}{
		"a slow scrape":              {90 * time.Second, "1m", 0, false},
		"a quick one":                {30 * time.Second, "1s", 0, true},
		"quick, and a moment ago":    {9 * time.Second, "1s", 0, false},
		"nobody tells":               {100 * time.Second, "", 0, false},
		"nobody tells, and long ago": {200 * time.Second, "", 0, true},
		"by their spacing":           {50 * time.Second, "", 15000, true},
		"by their spacing, in time":  {40 * time.Second, "", 15000, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := fake(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				query := r.FormValue("query")
				switch {
				case strings.HasSuffix(r.URL.Path, "/targets") && c.targets == "":
					http.NotFound(w, r)
				case strings.HasSuffix(r.URL.Path, "/targets"):
					_, _ = fmt.Fprintf(w, `{"status":"success","data":{"activeTargets":[{"labels":{"instance":"b:1"},"scrapeInterval":"9h"},{"labels":{"instance":"a:1","job":"web"},"scrapeInterval":%q}]}}`, c.targets)
				case strings.HasSuffix(query, "[5m]"):
					var values []string
					for i := range 5 {
						values = append(values, fmt.Sprintf(`[%.3f,"1"]`, float64(i*c.gap)/1000))
					}
					_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(values, ","))
				default:
					_, _ = w.Write([]byte(vector(`{"deploy_part":"requests","instance":"a:1","code":"200"} 5`, `{"deploy_part":"requests","deploy_timestamp":"1"} `+old(c.age))))
				}
			})
			_, err := connect(t, service.PrometheusMetrics{URL: url}).Sampler(place("a:1"), requests).Sample(t.Context())
			if errors.Is(err, analysis.ErrNoData) != c.stale || err != nil && !c.stale {
				t.Errorf("samples %s old: %v", c.age, err)
			}
		})
	}
}

func TestWhoIsAsking(t *testing.T) {
	for name, c := range map[string]struct {
		definition service.PrometheusMetrics
		want       func(r *http.Request) bool
	}{
		"bearer": {service.PrometheusMetrics{Bearer: "token"}, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer s3cr3t-token" }},
		"basic": {service.PrometheusMetrics{Username: "me", Password: "password"}, func(r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			return user == "me" && password == "s3cr3t-password"
		}},
		"headers": {service.PrometheusMetrics{Headers: map[string]string{"X-Scope-OrgID": "web"}}, func(r *http.Request) bool {
			return r.Header.Get("X-Scope-OrgID") == "web" && r.Header.Get("Authorization") == ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.definition.URL = fake(t, func(w http.ResponseWriter, r *http.Request) {
				if !c.want(r) || r.URL.Path != "/prometheus/api/v1/query" {
					http.Error(w, "refused", http.StatusUnauthorized)
					return
				}
				_, _ = w.Write([]byte(vector(`{"deploy_part":"value","instance":"a:1"} 5`)))
			}) + "/prometheus/"
			if sum, found, err := connect(t, c.definition).Value(t.Context(), place("a:1"), "x", nil); err != nil || sum != 5 || found != 1 {
				t.Errorf("the value is %g of %d (%v)", sum, found, err)
			}
		})
	}
	_, _, err := connect(t, service.PrometheusMetrics{URL: "http://127.0.0.1:1", Bearer: "nobody"}).Value(t.Context(), place("a:1"), "x", nil)
	if err == nil || !strings.Contains(err.Error(), "the credential nobody is not known") {
		t.Errorf("an unknown credential: %v", err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(vector(`{"deploy_part":"value","instance":"a:1"} 5`)))
	}))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, c := range map[string]struct {
		tls  *service.ClientTLS
		want string
	}{
		"not trusted":    {nil, "certificate"},
		"trusted":        {&service.ClientTLS{CA: authority}, ""},
		"its other name": {&service.ClientTLS{CA: authority, ServerName: "example.com"}, ""},
		"another's name": {&service.ClientTLS{CA: authority, ServerName: "acme.dev"}, "acme.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := connect(t, service.PrometheusMetrics{URL: server.URL, TLS: c.tls}).Value(t.Context(), place("a:1"), "x", nil)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := prometheus.New(service.PrometheusMetrics{URL: server.URL, TLS: &service.ClientTLS{CAFile: "/nowhere/ca.pem"}}, secrets); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A gauge between two scrapes is the same measurement, and is not given twice.
func TestAGaugeIsTakenOnce(t *testing.T) {
	age, value := 5*time.Second, 3
	began := time.Now()
	url := fake(t, func(w http.ResponseWriter, r *http.Request) {
		sampled := fmt.Sprintf("%.3f", float64(began.Add(-age).UnixMilli())/1000)
		if strings.Contains(r.FormValue("query"), `"queue"`) {
			_, _ = w.Write([]byte(vector(`{"deploy_part":"queue","instance":"a:1"} `+fmt.Sprint(value), `{"deploy_part":"queue","deploy_timestamp":"1"} `+sampled)))
			return
		}
		_, _ = w.Write([]byte(vector()))
	})
	s := connect(t, service.PrometheusMetrics{URL: url}).Sampler(place("a:1"), delivery.Measure{Series: map[string]delivery.Series{"queue": {Query: `queue{slot="{{slot}}"}`, Gauge: true}}})
	for _, c := range []struct {
		age, value int
		found      bool
	}{{5, 3, true}, {5, 3, false}, {4, 3, true}, {4, 3, false}, {1, 9, true}} {
		age, value = time.Duration(c.age)*time.Second, c.value
		got, err := s.Sample(t.Context())
		if v, found := got.Series["queue"]; err != nil || found != c.found || found && v != float64(c.value) || len(got.Missing) > 0 {
			t.Errorf("at %d s it is %+v (%v), want it to be there: %t", c.age, got, err, c.found)
		}
	}
}
