package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// leastSecretLine is the length from which a line of a secret of several lines (a key in PEM form) is a secret itself.
const leastSecretLine = 8

// secrets resolves names, and remembers what it handed out, so that it can be taken out of results.
type secrets struct {
	from delivery.Credentials
	mu   sync.Mutex
	// values are all written forms of the secrets.
	values map[string]struct{}
}

// remember wraps from. The release's own secrets are remembered from the start: its logs and answers may show them.
func remember(from delivery.Credentials, r service.Release) *secrets {
	s := &secrets{from: from, values: map[string]struct{}{}}
	for _, name := range r.Content.Secrets {
		// One that cannot be had cannot show up either.
		_, _ = s.Lookup(name)
	}
	return s
}

// Lookup implements delivery.Credentials.
func (s *secrets) Lookup(name string) (string, error) {
	if s.from == nil {
		return "", fmt.Errorf("credential %q is not known here", name)
	}
	value, err := s.from.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("credential %q: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(value)
	for line := range strings.SplitSeq(value, "\n") {
		if line = strings.TrimSpace(line); len(line) >= leastSecretLine {
			s.learn(line)
		}
	}
	return value, nil
}

// learn adds a secret in the forms in which programs and error texts write it.
func (s *secrets) learn(value string) {
	forms := []string{value, strings.TrimSpace(value), url.QueryEscape(value), url.PathEscape(value), strings.Trim(fmt.Sprintf("%q", value), `"`)}
	if encoded, err := json.Marshal(value); err == nil {
		forms = append(forms, strings.Trim(string(encoded), `"`))
	}
	for _, form := range forms {
		if form != "" {
			s.values[form] = struct{}{}
		}
	}
}

// scrub replaces the secrets in text by ***, and takes out what is left of one where text was cut.
func (s *secrets) scrub(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return program.Scrub(text, slices.Collect(maps.Keys(s.values)))
}
