package check

import (
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// secrets resolves names, and remembers what it handed out, so that it can be taken out of results.
type secrets struct {
	from  delivery.Credentials
	known scrub.Secrets
}

// remember wraps from. The release's own secrets are remembered from the start: its logs and answers may show them.
func remember(from delivery.Credentials, r service.Release) *secrets {
	s := &secrets{from: from}
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
	s.known.Add(value)
	return value, nil
}

// scrub replaces the secrets in text by ***, and takes out what is left of one where text was cut.
func (s *secrets) scrub(text string) string { return s.known.Text(text) }
