package prometheus

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var placement = service.Placement{
	Release: "production/web/1.8.2-5c1f9e0b", Slot: "green",
	Instances: []service.Instance{{Name: "green/0", Address: "10.0.0.1:8080"}, {Name: "green/1", Address: "[::1]:8081"}},
}

func TestTemplates(t *testing.T) {
	for text, want := range map[string]string{
		`x{r="{{release}}",s="{{ slot }}"}`:       `x{r="production/web/1.8.2-5c1f9e0b",s="green"}`,
		`x{instance=~"{{instances}}"}`:            `x{instance=~"10\\.0\\.0\\.1:8080|\\[::1\\]:8081"}`,
		`increase(x{s="{{slot}}"}[{{interval}}])`: `increase(x{s="green"}[1500ms])`,
		"none": "none",
		"":     "",
	} {
		parsed, err := parse(text, releasePlace, slotPlace, instancesPlace, intervalPlace)
		if got := parsed.with(valuesOf(placement, 1500*time.Millisecond)); err != nil || got != want {
			t.Errorf("%s becomes %s (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"{{instance}}":       "{{instance}} is not known here; there are {{release}}, {{slot}}",
		"{{}}":               "{{}} is not known here",
		"{{slot":             "does not end with }}",
		"slot}}":             "does not begin",
		"{{release}} slot}}": "does not begin",
		"x{s=~`{{slot}}`}":   "use double quotes",
	} {
		if _, err := parse(text, releasePlace, slotPlace); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// What a quoted text of PromQL says after its escapes is a pattern that matches these addresses and no other.
func TestInstancesMatchThemselvesAlone(t *testing.T) {
	unquoted, err := strconv.Unquote(`"` + valuesOf(placement, 0)[instancesPlace] + `"`)
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile("^(?s:" + unquoted + ")$") // as Prometheus anchors it
	for address, want := range map[string]bool{"10.0.0.1:8080": true, "[::1]:8081": true, "10x0.0.1:8080": false, "10.0.0.1:80800": false, ":::8081": false, "": false} {
		if pattern.MatchString(address) != want {
			t.Errorf("%s matches %s: %t", unquoted, address, !want)
		}
	}
}

func TestSelectors(t *testing.T) {
	for expression, want := range map[string]bool{
		"x": true, "a:b_1": true, ` x { a = "1" } `: true, `{__name__="x"}`: true, `x{a="}",b='}\'}',c=` + "`}\\`" + `}`: true,
		"": false, "1": false, "x[5m]": false, "x offset 5m": false, "sum(x)": false, "x + y": false, `x{a="1"} or y{a="1"}`: false,
		`x{a="1"`: false, `x{a="1}`: false, `x{}{}`: false, `{x{}`: false, "x y": false,
	} {
		if _, is := selectorName(expression); is != want {
			t.Errorf("%s is a selector: %t", expression, is)
		}
	}
	if name, _ := selectorName(`orders_total{a="1"}`); name != "orders_total" {
		t.Errorf("it selects %q", name)
	}
}

func TestParseSeries(t *testing.T) {
	for query, want := range map[string][2]string{ // what is wrong with it as a counter, and as a gauge
		`orders{instance=~"{{instances}}"}`:                          {"", ""},
		`sum(increase(orders{version="{{release}}"}[{{interval}}]))`: {"", ""},
		`sum(orders{slot="{{slot}}"})`:                               {"increase is taken", ""},
		`orders`:                                                     {"the same for all releases", "the same for all releases"},
		`orders{s="{{slot}}",x="{{version}}"}`:                       {"{{version}}", "{{version}}"},
	} {
		for gauge, want := range map[bool]string{false: want[0], true: want[1]} {
			if err := ParseSeries(delivery.Series{Query: query, Gauge: gauge}); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s as a gauge %t: %v, want %q", query, gauge, err, want)
			}
		}
	}
}

func TestPresets(t *testing.T) {
	for name, c := range map[string]struct {
		definition        service.PrometheusMetrics
		requests, buckets string
	}{
		"none":         {service.PrometheusMetrics{}, `http_requests_total{instance=~"A"}`, `http_request_duration_seconds_bucket{instance=~"A"}`},
		"more labels":  {service.PrometheusMetrics{Selector: `job="web",`}, `http_requests_total{job="web",instance=~"A"}`, `http_request_duration_seconds_bucket{job="web",instance=~"A"}`},
		"other labels": {service.PrometheusMetrics{Selector: `pod=~"web-{{slot}}-.*"`}, `http_requests_total{pod=~"web-green-.*"}`, `http_request_duration_seconds_bucket{pod=~"web-green-.*"}`},
		"traefik":      {service.PrometheusMetrics{Preset: "traefik", Service: "web-{{slot}}"}, `traefik_service_requests_total{service=~"(?:web-green)(@.+)?"}`, `traefik_service_request_duration_seconds_bucket{service=~"(?:web-green)(@.+)?"}`},
		"haproxy":      {service.PrometheusMetrics{Preset: "haproxy", Selector: `proxy="web"`}, `haproxy_server_http_responses_total{proxy="web",server=~"green.*"}`, ""},
		"caddy":        {service.PrometheusMetrics{Preset: "caddy", Service: "headers"}, `caddy_http_request_duration_seconds_count{handler=~"headers",instance=~"A"}`, `caddy_http_request_duration_seconds_bucket{handler=~"headers",instance=~"A"}`},
		"own":          {service.PrometheusMetrics{Preset: "traefik", Queries: &service.PrometheusQueries{Requests: `r{s="{{slot}}"}`}}, `r{s="green"}`, `traefik_service_request_duration_seconds_bucket{service=~"(?:green)(@.+)?"}`},
	} {
		c.definition.URL = "http://p"
		if problems := Validate(c.definition); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		q, err := newQueries(c.definition)
		v := valuesOf(placement, 0)
		v[instancesPlace] = "A"
		if requests, buckets := q.requests.with(v), q.buckets.with(v); err != nil || requests != c.requests || buckets != c.buckets {
			t.Errorf("%s asks for\n%s\n%s (%v), want\n%s\n%s", name, requests, buckets, err, c.requests, c.buckets)
		}
	}
}

func TestValidate(t *testing.T) {
	with := func(change func(*service.PrometheusMetrics)) service.PrometheusMetrics {
		d := service.PrometheusMetrics{URL: "https://p:9090"}
		change(&d)
		return d
	}
	for name, c := range map[string]struct {
		definition service.PrometheusMetrics
		at, want   string
	}{
		"least":              {with(func(*service.PrometheusMetrics) {}), "", ""},
		"no URL":             {service.PrometheusMetrics{}, "url", "must be the URL"},
		"a path":             {service.PrometheusMetrics{URL: "/prometheus"}, "url", "must be the URL"},
		"a secret":           {service.PrometheusMetrics{URL: "https://me:pw@p"}, "url", "no credentials"},
		"a query":            {service.PrometheusMetrics{URL: "https://p/?x=1"}, "url", "no query"},
		"two kinds":          {with(func(d *service.PrometheusMetrics) { d.Bearer, d.Username, d.Password = "a", "b", "c" }), "bearer", "either"},
		"no password":        {with(func(d *service.PrometheusMetrics) { d.Username = "b" }), "password", "password of b"},
		"no name":            {with(func(d *service.PrometheusMetrics) { d.Password = "b" }), "username", "username"},
		"no header":          {with(func(d *service.PrometheusMetrics) { d.Headers = map[string]string{"X Y": "1"} }), "headers.X Y", "header"},
		"a secret header":    {with(func(d *service.PrometheusMetrics) { d.Headers = map[string]string{"authorization": "1"} }), "headers.authorization", "use bearer"},
		"TLS without":        {service.PrometheusMetrics{URL: "http://p", TLS: &service.ClientTLS{ServerName: "x"}}, "tls", "https"},
		"two authorities":    {with(func(d *service.PrometheusMetrics) { d.TLS = &service.ClientTLS{CA: "x", CAFile: "/x"} }), "tls.ca", "one of"},
		"no PEM":             {with(func(d *service.PrometheusMetrics) { d.TLS = &service.ClientTLS{CA: "x"} }), "tls.ca", "PEM"},
		"a relative file":    {with(func(d *service.PrometheusMetrics) { d.TLS = &service.ClientTLS{CAFile: "x"} }), "tls.ca_file", "absolute"},
		"negative timeout":   {with(func(d *service.PrometheusMetrics) { d.Timeout = -1 }), "timeout", "negative"},
		"no label":           {with(func(d *service.PrometheusMetrics) { d.CodeLabel = "\xff" }), "code_label", "label"},
		"no preset":          {with(func(d *service.PrometheusMetrics) { d.Preset = "envoy" }), "preset", "caddy, haproxy, traefik"},
		"service alone":      {with(func(d *service.PrometheusMetrics) { d.Service = "{{slot}}" }), "service", "for a preset"},
		"service, all":       {with(func(d *service.PrometheusMetrics) { d.Preset, d.Service = "traefik", "web" }), "service", "{{slot}}"},
		"service, quoted":    {with(func(d *service.PrometheusMetrics) { d.Preset, d.Service = "traefik", `{{slot}}"` }), "service", "without quotes"},
		"service, no regexp": {with(func(d *service.PrometheusMetrics) { d.Preset, d.Service = "caddy", "(" }), "service", "regular expression"},
		"selector, braces":   {with(func(d *service.PrometheusMetrics) { d.Selector = `{job="web"}` }), "selector", "without braces"},
		"selector, open":     {with(func(d *service.PrometheusMetrics) { d.Selector = `job="web` }), "selector", "without braces"},
		"selector, interval": {with(func(d *service.PrometheusMetrics) { d.Selector = `job="{{interval}}"` }), "selector", "not known here"},
		"a sum": {with(func(d *service.PrometheusMetrics) {
			d.Queries = &service.PrometheusQueries{Requests: `sum(x{s="{{slot}}"})`}
		}), "queries.requests", "falls whenever"},
		"both sides":    {with(func(d *service.PrometheusMetrics) { d.Queries = &service.PrometheusQueries{Errors: "x"} }), "queries.errors", "the same for all releases"},
		"unknown place": {with(func(d *service.PrometheusMetrics) { d.Queries = &service.PrometheusQueries{DurationBuckets: "{{x}}"} }), "queries.duration_buckets", "{{x}}"},
	} {
		problems := Validate(c.definition)
		if c.at == "" && len(problems) != 0 || c.at != "" && (len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.at || !strings.Contains(problems[0].Detail, c.want)) {
			t.Errorf("%s: %v, want one problem at %q with %q", name, problems, c.at, c.want)
		}
	}
}

// Whatever a template is, it is refused, or every place of it is filled, and the rest is as it was.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "x", `x{a="{{slot}}"}`, "{{ interval }}", "{{", "}}", "{{{slot}}}", "{{sl{{ot}}", "`{{slot}}`"} {
		f.Add(text)
	}
	v := values{releasePlace: "R", slotPlace: "S", instancesPlace: "I", intervalPlace: "T"}
	f.Fuzz(func(t *testing.T, text string) {
		selectorName(text)
		parsed, err := parse(text, releasePlace, slotPlace, instancesPlace, intervalPlace)
		if err != nil {
			return
		}
		want := regexp.MustCompile(`\{\{\s*(release|slot|instances|interval)\s*\}\}`).ReplaceAllStringFunc(text, func(place string) string {
			return v[strings.TrimSpace(strings.Trim(place, "{}"))]
		})
		if got := parsed.with(v); len(parsed) > 0 && !strings.Contains(text, "{{{") && got != want {
			t.Fatalf("%q becomes %q, want %q", text, got, want)
		}
		if _, err := counting(text); err == nil && !parsed.uses(ofPlacement...) {
			t.Fatalf("%q counts the same for all", text)
		}
	})
}
