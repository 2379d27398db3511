package machines

import (
	"errors"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
)

// each does something on all machines side by side, at most together at a time, 0: as many as there are. What went wrong is named by host.
func each(parts []part, together int, do func(int, part) error) error {
	if together < 1 {
		together = len(parts)
	}
	errs := make([]error, len(parts))
	if crashpoint.InTurn() {
		for n, p := range parts {
			errs[n] = p.named(do(n, p))
		}
		return errors.Join(errs...)
	}
	free := make(chan struct{}, max(together, 1))
	var wg sync.WaitGroup
	for n, p := range parts {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			errs[n] = p.named(do(n, p))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
