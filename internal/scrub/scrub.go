// Package scrub makes texts fit to be kept and shown: it takes secrets out of them, bounds them, and makes visible what a
// terminal would obey. Secrets are taken out first: a cut or a mark in the middle of one would hide it from the search.
package scrub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	// leastLine is the length from which a line of a secret of several lines (a key in PEM form) is a secret itself.
	leastLine = 8
	// leastEncoded is the length from which what a secret is in base64 is looked for: shorter, it stands in any text.
	leastEncoded = 6
)

// Secrets takes secrets out of texts, in the forms in which programs and errors write them: as they are, escaped as in
// URLs, in JSON and in Go, in base64 wherever they begin in what was encoded ("user:secret"), and the password alone of
// one that is a URL or a connection string. The zero value knows none. Safe for concurrent use.
type Secrets struct {
	mu sync.Mutex
	// forms are all written ones; true where it is base64.
	forms map[string]bool
}

// Of knows secrets by their values.
func Of(values ...string) *Secrets {
	s := &Secrets{}
	for _, value := range values {
		s.Add(value)
	}
	return s
}

// Add adds one. An empty one is none.
func (s *Secrets) Add(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(value)
	for line := range strings.SplitSeq(value, "\n") {
		if line = strings.TrimSpace(line); len(line) >= leastLine {
			s.learn(line)
		}
	}
	for _, password := range passwords(strings.TrimSpace(value)) {
		s.learn(password)
	}
}

func (s *Secrets) learn(value string) {
	if s.forms == nil {
		s.forms = map[string]bool{}
	}
	for _, form := range written(value) {
		if form != "" {
			s.forms[form] = false
		}
	}
	for _, form := range encoded(strings.TrimSpace(value)) {
		if _, known := s.forms[form]; !known && len(form) >= leastEncoded {
			s.forms[form] = true
		}
	}
}

// written are the forms in which a value stands for itself.
func written(value string) []string {
	forms := []string{value, strings.TrimSpace(value), url.QueryEscape(value), url.PathEscape(value), strings.Trim(fmt.Sprintf("%q", value), `"`)}
	for _, html := range []bool{true, false} {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(html)
		if encoder.Encode(value) == nil {
			forms = append(forms, strings.Trim(strings.TrimSpace(b.String()), `"`))
		}
	}
	return forms
}

// encoded are the letters of base64 that value alone makes, for each of the three places of a group where it may begin.
func encoded(value string) []string {
	var forms []string
	for before := range 3 {
		whole := append(make([]byte, before), value...)
		// Six bits a letter; those that share bits with what stands before or behind are not value's alone.
		from, to := (8*before+5)/6, 8*len(whole)/6
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if text := alphabet.EncodeToString(whole); from < to {
				forms = append(forms, text[from:to])
			}
		}
	}
	return forms
}

// passwordWord finds a password in a connection string of keywords and values, or in a URL's query.
var (
	passwordWord = regexp.MustCompile(`(?i)(?:^|[\s;])(?:ssl)?(?:password|pwd)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s;']+))`)
	secretName   = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|sig`)
)

// passwords are those inside a credential that is more than a password.
func passwords(value string) []string {
	var found []string
	if u, err := url.Parse(value); err == nil && u.Scheme != "" && u.Host != "" {
		if password, has := u.User.Password(); has {
			_, raw, _ := strings.Cut(u.User.String(), ":")
			found = append(found, password, raw)
			// As it was written, which need not be as Go would.
			if user, _, has := strings.Cut(strings.TrimPrefix(value, u.Scheme+"://"), "@"); has {
				_, raw, _ = strings.Cut(user, ":")
				found = append(found, raw)
			}
		}
		for name, values := range u.Query() {
			if secretName.MatchString(name) {
				found = append(found, values...)
			}
		}
	}
	for _, match := range passwordWord.FindAllStringSubmatch(value, -1) {
		found = append(found, match[1], match[2], strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(match[1]))
	}
	return slices.DeleteFunc(found, func(s string) bool { return s == "" })
}
