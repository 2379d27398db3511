package delivery

import (
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What releases write and answer may hold their secrets. It is taken out here, before it gets into evidence.

// secretsOf knows the secrets that releases are started with. One that cannot be had now could not have been given to them by this run.
func (w *work) secretsOf(releases ...service.Release) *scrub.Secrets {
	secrets := scrub.Of()
	for _, r := range releases {
		for _, credential := range r.Content.Secrets {
			if value, err := w.procedure.run.connector.Credentials().Lookup(credential); err == nil {
				secrets.Add(value)
			}
		}
	}
	return secrets
}

// scrubbed is err without the secrets that releases are started with, nil for nil.
func (w *work) scrubbed(err error, releases ...service.Release) error {
	if err == nil {
		return nil
	}
	if text := scrub.Printable(w.secretsOf(releases...).Text(err.Error())); text != err.Error() {
		return &scrubbedError{text: text, cause: err}
	}
	return err
}

// scrubbedError is an error in words that may be kept and told.
type scrubbedError struct {
	text  string
	cause error
}

func (e *scrubbedError) Error() string { return e.text }
func (e *scrubbedError) Unwrap() error { return e.cause }

// withoutSecrets is a failure that may be kept and told.
func (w *work) withoutSecrets(a *ledger.Attempt, failure ledger.Failure) ledger.Failure {
	var releases []service.Release
	for _, r := range []*service.Release{w.recorded(a), w.stable(a)} {
		if r != nil {
			releases = append(releases, *r)
		}
	}
	secrets := w.secretsOf(releases...)
	failure.Reason = secrets.Text(failure.Reason)
	evidence := make([]string, len(failure.Evidence))
	for i, e := range failure.Evidence {
		evidence[i] = scrub.Printable(secrets.Text(e))
	}
	failure.Evidence = evidence
	return failure
}
