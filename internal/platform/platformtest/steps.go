package platformtest

import (
	"context"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// Placed is a release that p has placed in a slot; it is removed at the end of the test.
func Placed(t testing.TB, p delivery.Platform, r service.Release, slot string) service.Release {
	t.Helper()
	placement, err := p.Place(t.Context(), r, slot)
	if err != nil {
		t.Fatal(err)
	}
	r.Placement = placement
	t.Cleanup(func() {
		if err := p.Remove(context.Background(), placement); err != nil {
			t.Errorf("remove %s at the end: %v", r.ID, err)
		}
	})
	return r
}

// Started starts a release that was placed, and waits until its instances are healthy.
func Started(t testing.TB, p delivery.Platform, r service.Release, environment map[string]string, health service.Health) {
	t.Helper()
	if err := p.Start(t.Context(), r, environment); err != nil {
		t.Fatal(err)
	}
	Healthy(t, p, r, health)
}

// Healthy waits until all instances of a release are.
func Healthy(t testing.TB, p delivery.Platform, r service.Release, health service.Health) {
	t.Helper()
	for _, i := range r.Placement.Instances {
		Eventually(t, "healthy "+i.Name, func() error { return p.Probe(t.Context(), i, health) })
	}
}

// Eventually waits until check has nothing to say; what is for people.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
