package supervisor

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestBackoff(t *testing.T) {
	b := Backoff{First: service.Duration(time.Second), Most: service.Duration(5 * time.Second), Healthy: service.Duration(time.Minute)}
	wait := time.Duration(0)
	for n, step := range []struct{ ran, want time.Duration }{
		{0, time.Second}, {0, 2 * time.Second}, {59 * time.Second, 4 * time.Second}, {0, 5 * time.Second}, {0, 5 * time.Second},
		{time.Minute, time.Second}, {0, 2 * time.Second},
	} {
		if wait = b.after(wait, step.ran); wait != step.want {
			t.Fatalf("wait %d is %s, want %s", n, wait, step.want)
		}
	}
}
