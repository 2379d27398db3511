package check

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// tokenPattern is what RFC 9110 calls a token: methods and the names of headers.
var tokenPattern = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (c httpCheck) problems(add func(detail string, path ...string)) {
	c.placeProblems(add)
	if c.Method != "" && !tokenPattern.MatchString(c.Method) {
		add(fmt.Sprintf("%q is not a method: use GET, HEAD, POST and the like", c.Method), "method")
	}
	for _, status := range c.Status {
		if status < 100 || status > 599 {
			add(fmt.Sprintf("%d is not a status: use 100 to 599", status), "status")
		}
	}
	if c.Passes < 1 {
		add(fmt.Sprintf("%d passes would pass without asking: use 1 or more", c.Passes), "passes")
	}
	retriesProblem(add, c.Retries)
	positive(add, c.Timeout, "timeout")
	notNegative(add, c.Interval, "interval")
	notNegative(add, c.MaxLatency, "max_latency")
	regexpProblem(add, c.BodyMatches, "body_matches")
	for _, name := range slices.Sorted(maps.Keys(c.HeaderMatches)) {
		c.headerProblem(add, name, "header_matches")
		regexpProblem(add, c.HeaderMatches[name], "header_matches", name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		c.headerProblem(add, name, "headers")
		if strings.ContainsFunc(c.Headers[name], unicode.IsControl) {
			add("the value has characters that a header cannot carry: leave out line breaks", "headers", name)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.JSON)) {
		if _, err := parsePath(path); err != nil {
			add(fmt.Sprintf("%q is not a JSONPath: write it like $.status or $.items[0].id (%v)", path, err), "json", path)
		}
	}
	if c.method() == http.MethodHead && (c.BodyMatches != "" || len(c.JSON) > 0) {
		add("an answer to HEAD has no body that could be matched: use GET", "method")
	}
}

func (httpCheck) headerProblem(add func(string, ...string), name, attribute string) {
	if !tokenPattern.MatchString(name) {
		add(fmt.Sprintf("%q is not the name of a header", name), attribute, name)
	}
}

func (c httpCheck) placeProblems(add func(string, ...string)) {
	switch {
	case c.Path == "" && c.URL == "":
		add("give exactly one of path (asked of every instance of the release) and url (asked as it stands)")
	case c.Path != "" && c.URL != "":
		add("give exactly one of path (asked of every instance of the release) and url (asked as it stands), not both")
	case c.Path != "":
		if _, err := url.Parse("http://host" + c.Path); err != nil || !strings.HasPrefix(c.Path, "/") {
			add(fmt.Sprintf("%q is not a path: begin it with a slash, such as /healthz", c.Path), "path")
		}
	default:
		u, err := url.Parse(c.URL)
		switch {
		case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
			add("it is not a URL of http or https: write it like https://host/path", "url")
		case u.User != nil:
			if _, has := u.User.Password(); has {
				add("it holds a password, which plans and state would show: take it out; a check that needs a secret is a command with secrets = { NAME = \"<credential>\" }", "url")
			}
		}
	}
}
