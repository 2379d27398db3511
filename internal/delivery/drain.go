package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// drain waits for the requests in flight to a release that gets no new ones.
func (w *work) drain(ctx context.Context, r service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	if err := w.adapters.Router.Drain(ctx, r.Placement); err != nil {
		return fmt.Errorf("drain %s: %w", r.ID, err)
	}
	return nil
}
