package prometheus

import (
	"crypto/x509"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/net/http/httpguts"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// secretHeaders are what credentials are for.
var secretHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// Validate lists what is wrong with d; paths are relative to it.
func Validate(d service.PrometheusMetrics) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	u, err := url.Parse(d.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		add(`must be the URL of the server, such as "https://prometheus.example:9090"`, "url")
	case u.User != nil:
		add("must hold no credentials: give the username, and the name of a credential as the password", "url")
	case u.RawQuery != "" || u.Fragment != "":
		add("must have no query or fragment: it is what api/v1 is below of", "url")
	}
	switch {
	case d.Bearer != "" && (d.Username != "" || d.Password != ""):
		add("give either bearer, or username and password", "bearer")
	case d.Username != "" && d.Password == "":
		add("give the name of the credential that holds the password of "+d.Username, "password")
	case d.Password != "" && d.Username == "":
		add("give the username that the password is for", "username")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		switch {
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(d.Headers[name]):
			add("must be a header of HTTP, such as X-Scope-OrgID", "headers", name)
		case slices.ContainsFunc(secretHeaders, func(s string) bool { return strings.EqualFold(s, name) }):
			add("holds a secret: use bearer, or username and password, which name a credential", "headers", name)
		}
	}
	if d.TLS != nil {
		validateTLS(*d.TLS, d.URL, add)
	}
	if d.Timeout < 0 {
		add("must not be negative", "timeout")
	}
	if d.CodeLabel != "" && !model.UTF8Validation.IsValidLabelName(d.CodeLabel) {
		add("must be the name of a label", "code_label")
	}
	validateQueries(d, add)
	return problems
}

func validateTLS(t service.ClientTLS, server string, add func(string, ...string)) {
	if strings.HasPrefix(server, "http://") {
		add("is for a server with https, and the URL begins with http", "tls")
	}
	switch {
	case t.CA != "" && t.CAFile != "":
		add("give one of ca and ca_file", "tls", "ca")
	case t.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(t.CA)):
		add("must be certificates in PEM", "tls", "ca")
	case t.CAFile != "" && !filepath.IsAbs(t.CAFile):
		add("must be an absolute path", "tls", "ca_file")
	}
}

func validateQueries(d service.PrometheusMetrics, add func(string, ...string)) {
	of, known := presets[d.Preset]
	switch {
	case d.Preset != "" && !known:
		add("must be one of: "+presetNames(), "preset")
		return
	case d.Service != "" && d.Preset == "":
		add("is for a preset: "+presetNames()+"; without one use selector", "service")
	}
	broken := false
	for attribute, text := range map[string]string{"selector": d.Selector, "service": d.Service} {
		if _, err := parse(text, ofPlacement...); err != nil {
			add(err.Error(), attribute)
			broken = true
		}
	}
	if strings.ContainsAny(d.Service, "\"`\n") {
		add("must be a regular expression without quotes", "service")
		broken = true
	} else if _, err := regexp.Compile(d.Service); err != nil && !strings.Contains(d.Service, "{{") {
		add("must be a regular expression: "+err.Error(), "service")
		broken = true
	}
	if d.Selector != "" && !broken {
		if _, is := selectorName("{" + mustParse(d.Selector).with(valuesOf(service.Placement{}, time.Second)) + "}"); !is || strings.HasPrefix(strings.TrimSpace(d.Selector), "{") {
			add(`must be matchers of labels without braces, such as job="web"`, "selector")
			broken = true
		}
	}
	own := service.PrometheusQueries{}
	if d.Queries != nil {
		own = *d.Queries
	}
	for attribute, text := range map[string]string{"requests": own.Requests, "errors": own.Errors, "duration_buckets": own.DurationBuckets} {
		if text == "" {
			continue
		}
		if _, err := counting(text); err != nil {
			add(err.Error(), "queries", attribute)
			broken = true
		}
	}
	if broken || d.Preset == "" && d.Service != "" {
		return
	}
	if !of.addressed && d.Preset != "" && d.Service != "" && !mustParse(d.Service).uses(ofPlacement...) && !mustParse(d.Selector).uses(ofPlacement...) {
		add("is the same for all releases: tell them apart by a placeholder, such as {{slot}}", "service")
		return
	}
	if _, err := newQueries(d); err != nil {
		add(err.Error(), "selector")
	}
}

// mustParse reads what was found to be right.
func mustParse(text string) template {
	t, _ := parse(text, ofPlacement...)
	return t
}
