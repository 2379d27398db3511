package delivery

import (
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// OldFilesLeft is an error of a release that was placed all the same: files of older ones could not be taken away.
type OldFilesLeft struct {
	// Err is why, with the machine's name where there are several.
	Err error
}

// Error implements error.
func (e *OldFilesLeft) Error() string { return e.Err.Error() }

// Unwrap gives why.
func (e *OldFilesLeft) Unwrap() error { return e.Err }

// withoutOldFiles is the error of placing r: what was left of older releases only warns.
func (w *work) withoutOldFiles(r service.Release, err error) error {
	var left *OldFilesLeft
	if !errors.As(err, &left) {
		return err
	}
	w.warn("Old Files Not Removed", fmt.Sprintf("%s is in place, and what is not needed any more of older releases could not be removed: %s. "+
		"The next release tries again; until then it takes room.", r.ID, w.scrubbed(left, r)))
	return nil
}
