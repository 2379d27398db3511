package delivery

import (
	"context"
	"errors"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// endsIt is a platform whose answer comes when nobody waits any more.
type endsIt struct {
	Platform
	end context.CancelFunc
}

func (p endsIt) Inspect(context.Context, service.Placement) ([]service.InstanceState, error) {
	p.end()
	return nil, nil
}

// A watch that is ended right after it was answered is none, and that is an error.
func TestWatchThatIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	if v, err := newWatch(ctx, endsIt{end: cancel}, service.Release{}); !errors.Is(err, context.Canceled) {
		t.Errorf("watch %v, error %v", v, err)
	}
}
