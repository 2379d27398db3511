package delivery

import (
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// acquireError makes the error of a lease that was not to be had.
func acquireError(id service.ID, err error) error {
	var held *ledger.HeldError
	if !errors.As(err, &held) {
		return fmt.Errorf("take the lease of %s: %w", id, err)
	}
	e := refuse("Service Busy", fmt.Sprintf("%s is worked on by %s since %s, last seen %s ago; waited %s for it",
		id, held.Holder, held.Since.Format(time.RFC3339), held.Seen.Round(time.Second), held.Waited.Round(time.Second)),
		fmt.Sprintf("Wait for it (`%s watch %s`) and apply again; or raise the provider's lock.wait.", operatorBinary, id))
	e.Err = err
	return e
}
