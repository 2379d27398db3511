package check

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PaesslerAG/gval"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
)

// httpRules are an HTTP check's conditions, ready to be applied.
type httpRules struct {
	check  httpCheck
	body   *regexp.Regexp
	header map[string]*regexp.Regexp
	json   map[string]gval.Evaluable
}

func (c httpCheck) rules() (httpRules, error) {
	r := httpRules{check: c, header: map[string]*regexp.Regexp{}, json: map[string]gval.Evaluable{}}
	var err error
	if c.BodyMatches != "" {
		if r.body, err = regexp.Compile(c.BodyMatches); err != nil {
			return r, fmt.Errorf("read body_matches: %w", err)
		}
	}
	for name, pattern := range c.HeaderMatches {
		if r.header[name], err = regexp.Compile(pattern); err != nil {
			return r, fmt.Errorf("read header_matches of %s: %w", name, err)
		}
	}
	for path := range c.JSON {
		if r.json[path], err = parsePath(path); err != nil {
			return r, fmt.Errorf("read the JSONPath %s: %w", path, err)
		}
	}
	return r, nil
}

// complaints lists what an answer lacks, always in the same order; took is the time to the last byte of its body.
func (r httpRules) complaints(ctx context.Context, response *http.Response, body []byte, took time.Duration) []string {
	var complaints []string
	add := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	if !r.accepts(response.StatusCode) {
		add("wanted is status %s", r.wantedStatus())
	}
	if limit := r.check.MaxLatency.D(); limit > 0 && took > limit {
		add("wanted is an answer within %s", limit)
	}
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		values := response.Header.Values(name)
		if len(values) == 0 {
			add("header %s is not there", name)
		} else if !slices.ContainsFunc(values, r.header[name].MatchString) {
			add("header %s is %q and does not match %q", name, strings.Join(values, ", "), r.header[name])
		}
	}
	if r.body != nil && !r.body.Match(body) {
		add("the body does not match %q", r.body)
	}
	return append(complaints, r.jsonComplaints(ctx, body)...)
}

func (r httpRules) jsonComplaints(ctx context.Context, body []byte) []string {
	if len(r.check.JSON) == 0 {
		return nil
	}
	document, err := decodeJSON(body)
	if err != nil {
		return []string{fmt.Sprintf("the body is not JSON: %v", err)}
	}
	var complaints []string
	for _, path := range slices.Sorted(maps.Keys(r.check.JSON)) {
		want := r.check.JSON[path]
		value, err := r.json[path](ctx, document)
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s is not there: %v", path, err))
			continue
		}
		got, err := jsonText(value)
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s has no text: %v", path, err))
		} else if got != want {
			complaints = append(complaints, fmt.Sprintf("%s is %q instead of %q", path, scrub.First(got, lineLimit/2), want))
		}
	}
	return complaints
}

func (r httpRules) accepts(status int) bool {
	if len(r.check.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(r.check.Status, status)
}

func (r httpRules) wantedStatus() string {
	if len(r.check.Status) == 0 {
		return "200 to 299"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(r.check.Status), " ", " or "), "[]")
}
