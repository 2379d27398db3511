package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A restore waits for stable no longer than it has time to bring itself to its end.
func TestWithinRestore(t *testing.T) {
	t.Parallel()
	const healthy = 20 * time.Minute
	for name, c := range map[string]struct{ recorded, left, least, most time.Duration }{
		"less time":              {healthy, 10 * time.Minute, 8 * time.Minute, 9 * time.Minute},
		"enough":                 {healthy, time.Hour, healthy, healthy},
		"hardly any":             {healthy, 2 * time.Second, time.Second, time.Second},
		"taken over":             {0, time.Hour, service.DefaultHealthyDeadline.D(), service.DefaultHealthyDeadline.D()},
		"taken over, hardly any": {0, 2 * time.Second, time.Second, time.Second},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.left)
		defer cancel()
		r := service.Release{Health: service.Health{HealthyDeadline: service.Duration(c.recorded)}}
		if got := withinRestore(ctx, r).Health.HealthyDeadline.D(); got < c.least || got > c.most {
			t.Errorf("%s: it is waited for %s", name, got)
		}
	}
}
