// Package platformtest is the contract that every platform keeps, as a test: what delivery.Platform says, seen from
// outside, with real instances.
package platformtest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Subject is a platform under test, with nothing on it.
type Subject struct {
	// Platform with the slots blue and green.
	Platform delivery.Platform
	// Release makes a release whose instances run Serve.
	Release func(version string) service.Release
	// Draining has Platform give instances that are placed and started from then on so much time to end.
	Draining func(time.Duration)
}

// Run tests a platform. open makes a new one with so many instances a slot, and takes away what is left of it when t ends.
func Run(t *testing.T, open func(t *testing.T, instances int) Subject) {
	t.Helper()
	tests := map[string]struct {
		instances int
		run       func(*bench)
	}{
		"Lifecycle":           {2, lifecycle},
		"SideBySide":          {1, sideBySide},
		"SlotTaken":           {1, slotTaken},
		"OldPlacement":        {1, oldPlacement},
		"StartedAgain":        {2, startedAgain},
		"OtherSlot":           {1, otherSlot},
		"OwnRecord":           {2, ownRecord},
		"OlderEpoch":          {1, olderEpoch},
		"SuspendedStart":      {1, suspendedStart},
		"Environment":         {1, environment},
		"NeverPlaced":         {1, neverPlaced},
		"Crash":               {1, crash},
		"CrashesFromTheStart": {1, crashesFromTheStart},
		"Deaf":                {1, deaf},
		"Stubborn":            {1, stubborn},
		"StopCutShort":        {1, stopCutShort},
		"LeftByItsParent":     {1, leftByItsParent},
		"Probes":              {1, probes},
		"Logs":                {1, logs},
		"LogsOfSeveral":       {2, logsOfSeveral},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(&bench{T: t, Subject: open(t, test.instances)})
		})
	}
}

// bench is one test at work.
type bench struct {
	*testing.T
	Subject
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// placed places a release, and removes it at the end of the test.
func (b *bench) placed(version, slot string) service.Release {
	b.Helper()
	return Placed(b, b.Platform, b.Release(version), slot)
}

// started starts a release that was placed, and waits until it answers.
func (b *bench) started(r service.Release, environment map[string]string) {
	b.Helper()
	Started(b, b.Platform, r, environment, healthRoot)
}

var healthRoot = service.Health{HTTP: &service.HTTPProbe{Path: "/"}, Timeout: service.Duration(5 * time.Second)}

func (b *bench) answers(r service.Release) {
	b.Helper()
	Healthy(b, b.Platform, r, healthRoot)
}

func (b *bench) eventually(what string, check func() error) {
	b.Helper()
	Eventually(b, what, check)
}

func (b *bench) inspect(r service.Release) []service.InstanceState {
	b.Helper()
	b.ok(b.Platform.Reach(b.Context(), r.Placement))
	states, err := b.Platform.Inspect(b.Context(), r.Placement)
	b.ok(err)
	if len(states) != len(r.Placement.Instances) {
		b.Fatalf("%d states of %d instances", len(states), len(r.Placement.Instances))
	}
	return states
}

// runs asserts that all instances run the release, with nothing wrong.
func (b *bench) runs(r service.Release) {
	b.Helper()
	for _, s := range b.inspect(r) {
		if !s.Running || s.Release != r.ID || s.Detail != "" || s.Restarts != 0 {
			b.Fatalf("want %s running, got %+v", r.ID, s)
		}
	}
}

// still asserts that no instance runs the release, and that it says why.
func (b *bench) still(r service.Release) {
	b.Helper()
	for _, s := range b.inspect(r) {
		if s.Running || s.Release == r.ID || s.Detail == "" {
			b.Fatalf("want %s not running and a detail, got %+v", r.ID, s)
		}
	}
	for _, i := range r.Placement.Instances {
		if err := b.Platform.Probe(b.Context(), i, service.Health{Timeout: healthRoot.Timeout}); err == nil {
			b.Fatalf("%s at %s still answers", i.Name, i.Address)
		}
	}
}

// get asks an instance.
func (b *bench) get(i service.Instance, path string) string {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+i.Address+path, nil)
	b.ok(err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	b.ok(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	b.ok(err)
	return string(body)
}

// crashes makes an instance exit.
func (b *bench) crashes(i service.Instance) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+i.Address+"/crash", nil)
	b.ok(err)
	request.Close = true
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		b.Fatal("it answered instead of crashing")
	}
}

func contains(text string, parts ...string) error {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return fmt.Errorf("%q is not in %q", part, text)
		}
	}
	return nil
}
