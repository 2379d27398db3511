package delivery

import (
	"errors"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// startable tells why a release of a content could not be started, as far as that is known without its machines: secrets that cannot be had,
// and what the platform cannot hand over. With one slot it would show when the old release is stopped already.
func (w *work) startable(c service.Content) error {
	environment, err := w.environment(c)
	if err != nil {
		return err
	}
	return w.handedOver(c, environment)
}

// handedOver tells what of a content, and of as much of its environment as is given, the platform cannot hand over.
func (w *work) handedOver(c service.Content, environment map[string]string) error {
	problems := w.adapters.Platform.ContentProblems(c, environment)
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Detail
	}
	return errors.New(strings.Join(texts, "; "))
}
