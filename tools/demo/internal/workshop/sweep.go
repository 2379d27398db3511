package workshop

import (
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// Sweep makes sure that nothing of the run is left, which may take as long as limit. What still runs then is an error, and is ended all
// the same.
func (w *Workshop) Sweep(limit time.Duration, say func(format string, values ...any)) error {
	var left []process.Process
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if left, err = w.Scope.Running(); err != nil {
			return err
		}
		if len(left) == 0 {
			say("nothing of it is running any more")
			return nil
		}
		if time.Now().After(deadline) {
			break
		}
	}
	var errs []error
	for _, p := range left {
		errs = append(errs, fmt.Errorf("still running at the end: %s", p))
	}
	programs, err := w.Scope.Programs()
	errs = append(errs, err, process.End(programs, limit))
	return errors.Join(errs...)
}
