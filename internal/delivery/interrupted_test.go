package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Interrupted after a plan was made, a service is a no-op that Terraform does not run: so the first stage that comes across it puts the
// world right, and refuses, since its plan was made for another one.
func TestAStageThatMeetsAnInterruptionRecoversAndRefuses(t *testing.T) {
	t.Parallel()
	for _, wanted := range []string{"1", "2", "3"} {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		if err := p.apply(context.Background(), "1"); err != nil {
			t.Fatal(err)
		}
		p.close()
		killedWhen(t, w, objects, func(what string) bool { return strings.Contains(what, "weights") }, func(p *provider) { _ = p.apply(context.Background(), "2") })
		p = newProvider(t, w, objects)
		e := wantSummary(t, p.apply(context.Background(), wanted), "Service Changed Since Plan")
		if !strings.Contains(e.Detail(), "recovered") || !strings.Contains(e.Running, string(releaseOf("1"))) {
			t.Errorf("%s: the error does not say what was done: %s", wanted, e.Detail())
		}
		stands(t, w, p, "1")
		if a := p.state().Attempt(2); a == nil || a.End != service.EndRestored || p.state().LastAttempt != 2 {
			t.Errorf("%s: attempt 2 is %+v, of %d", wanted, a, p.state().LastAttempt)
		}
		if err := p.apply(context.Background(), wanted); err != nil {
			t.Fatal(err)
		}
		stands(t, w, p, wanted)
		p.close()
	}
}
