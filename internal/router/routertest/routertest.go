// Package routertest is the contract that every adapter of the kind router passes, against its real data plane.
package routertest

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The slots of the contract.
const (
	Blue  = "blue"
	Green = "green"
)

// Subject is a router with its running data plane.
type Subject struct {
	Router delivery.Router
	// URL where users' requests go, without a slash at its end.
	URL string
	// Reload makes the running data plane read its configuration again, Restart ends it and starts it anew.
	Reload, Restart func(t testing.TB)
	// Stop ends the data plane.
	Stop func(t testing.TB)
	// Forgets: the data plane keeps weights nowhere, so that a reload or restart loses them.
	Forgets bool
	// Follows: the addresses come with the split, and are not in the data plane's own configuration.
	Follows bool
	// LeavesOut: the addresses are in the data plane's own configuration, and those of a slot that no instance of the split is at get nothing.
	LeavesOut bool
}

// Setup brings up a data plane with blue and green behind it, and the router for it. What it starts ends with t.
type Setup func(t *testing.T, blue, green service.Placement, drainTimeout time.Duration) Subject

// dataPlane is a Setup, with how many instances the slots have.
type dataPlane struct {
	setup       Setup
	blue, green int
}

// Run is the contract, with one instance a slot.
func Run(t *testing.T, setup Setup) { RunSized(t, 1, 1, setup) }

// RunSized is the contract, with so many instances in the slots.
func RunSized(t *testing.T, blue, green int, setup Setup) {
	d := dataPlane{setup, blue, green}
	t.Run("weights are read back", func(t *testing.T) { weightsAreReadBack(t, d) })
	t.Run("wrong weights change nothing", func(t *testing.T) { wrongWeights(t, d) })
	t.Run("requests are split by the weights", func(t *testing.T) { requestsAreSplit(t, d) })
	t.Run("weights outlive reload and restart", func(t *testing.T) { weightsOutlive(t, d) })
	t.Run("no request is lost", func(t *testing.T) { nothingIsLost(t, d) })
	t.Run("an older epoch changes nothing", func(t *testing.T) { olderEpoch(t, d) })
	t.Run("the split follows the instances", func(t *testing.T) { follows(t, d) })
	t.Run("an instance that is left out gets nothing", func(t *testing.T) { leavesOut(t, d) })
	t.Run("check", func(t *testing.T) { check(t, d) })
	t.Run("drain waits for the requests in flight", func(t *testing.T) { drainWaits(t, d) })
	t.Run("drain ends with its timeout", func(t *testing.T) { drainTimesOut(t, d) })
	t.Run("drain ends with its context", func(t *testing.T) { drainIsCancelled(t, d) })
	t.Run("drain of a data plane that is gone", func(t *testing.T) { drainUnreachable(t, d) })
}

// world is a data plane with a backend a slot.
type world struct {
	Subject
	blue, green *backend
}

func newWorld(t *testing.T, d dataPlane, drainTimeout time.Duration) *world {
	t.Helper()
	w := &world{blue: newBackend(t, Blue, d.blue), green: newBackend(t, Green, d.green)}
	w.Subject = d.setup(t, w.blue.placement(), w.green.placement(), drainTimeout)
	return w
}

// split of the world's slots.
func (w *world) split(weights map[string]int) delivery.Split {
	return delivery.Split{Weights: weights, Placements: []service.Placement{w.blue.placement(), w.green.placement()}}
}

func (w *world) set(t *testing.T, green int) {
	t.Helper()
	if err := w.Router.SetWeights(t.Context(), w.split(map[string]int{Blue: 100 - green, Green: green})); err != nil {
		t.Fatal(err)
	}
}

func (w *world) wantWeights(t *testing.T, green int) {
	t.Helper()
	got, err := w.Router.Weights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{Blue: 100 - green, Green: green}; !maps.Equal(got, want) {
		t.Fatalf("the weights are %v, want %v", got, want)
	}
}

// wantShare sends requests from now on and compares who answers with the weight, within five standard deviations of
// the binomial distribution: wrong once in millions of runs, and exact at 0 and 100.
func (w *world) wantShare(t *testing.T, green int) {
	t.Helper()
	const n = 400
	p := float64(green) / 100
	c := newClient(t, w.URL, true)
	answers := map[string]int{}
	for range n {
		slot, err := c.ask(t.Context(), "/")
		if err != nil {
			t.Fatal(err)
		}
		answers[slot]++
	}
	slack := 5 * math.Sqrt(n*p*(1-p))
	if math.Abs(float64(answers[Green])-n*p) > slack || answers[Blue]+answers[Green] != n {
		t.Errorf("at %d %% green, %d requests were answered by %v; want green within %.0f of %.0f", green, n, answers, slack, n*p)
	}
}

func weightsAreReadBack(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	for _, green := range []int{0, 1, 25, 50, 99, 100, 0} {
		w.set(t, green)
		w.wantWeights(t, green)
	}
	if err := w.Router.SetWeights(t.Context(), w.split(map[string]int{Green: 100})); err != nil {
		t.Fatal(err)
	}
	w.wantWeights(t, 100)
}

func wrongWeights(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	w.set(t, 25)
	for _, weights := range []map[string]int{
		nil,
		{Blue: 50},
		{Blue: 60, Green: 50},
		{Blue: 110, Green: -10},
		{Blue: 50, "red": 50},
	} {
		if err := w.Router.SetWeights(t.Context(), w.split(weights)); err == nil {
			t.Errorf("weights %v are taken", weights)
		}
		w.wantWeights(t, 25)
	}
}

func requestsAreSplit(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	for _, green := range []int{0, 25, 50, 100, 0} {
		w.set(t, green)
		w.wantShare(t, green)
	}
}

func weightsOutlive(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	for name, again := range map[string]func(testing.TB){"reload": w.Reload, "restart": w.Restart} {
		w.set(t, 0)
		w.set(t, 50)
		again(t)
		t.Log("after a " + name)
		if w.Forgets {
			w.forgotten(t, name)
		}
		w.wantWeights(t, 50)
		w.wantShare(t, 50)
		w.set(t, 100)
		again(t)
		if w.Forgets {
			w.forgotten(t, name)
			w.set(t, 100)
		}
		w.wantShare(t, 100)
	}
}

// forgotten: that the weights are lost is seen, and the next split repairs it.
func (w *world) forgotten(t *testing.T, how string) {
	t.Helper()
	got, err := w.Router.Weights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got[Green] != 0 {
		t.Fatalf("after a %s that loses the weights they are %v", how, got)
	}
	w.set(t, 50)
}

// follows: where the addresses come with the split, a release at others gets the slot's requests, and nobody else's are lost.
func follows(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	if !w.Follows {
		t.Skip("the addresses are in the data plane's own configuration")
	}
	w.set(t, 50)
	w.wantShare(t, 50)
	w.set(t, 0)
	w.green.close()
	w.green = newBackend(t, Green, d.green+1)
	for _, green := range []int{0, 50, 100} {
		w.set(t, green)
		w.wantWeights(t, green)
		w.wantShare(t, green)
	}
}

func check(t *testing.T, d dataPlane) {
	d.green++
	w := newWorld(t, d, deadline)
	blue, green := w.blue.placement(), w.green.placement()
	fewer := green
	fewer.Instances = fewer.Instances[:len(fewer.Instances)-1]
	elsewhere := newBackend(t, Green, 1).placement()
	none := service.Placement{Release: green.Release, Slot: Green}
	swappedBlue, swappedGreen := green, blue
	swappedBlue.Slot, swappedGreen.Slot = Blue, Green
	for name, c := range map[string]struct {
		placements []service.Placement
		right      bool
	}{
		"both slots":                 {[]service.Placement{blue, green}, true},
		"green alone":                {[]service.Placement{green}, true},
		"blue alone":                 {[]service.Placement{blue}, true},
		"green elsewhere":            {[]service.Placement{blue, elsewhere}, w.Follows},
		"green has no instances":     {[]service.Placement{blue, none}, false},
		"the slots are swapped":      {[]service.Placement{swappedBlue, swappedGreen}, w.Follows},
		"blue at green's, alone":     {[]service.Placement{swappedBlue}, w.Follows},
		"an address has no instance": {[]service.Placement{blue, fewer}, w.Follows || w.LeavesOut},
		"an instance is left out":    {[]service.Placement{blue, joined(green, elsewhere)}, w.Follows},
	} {
		err := w.Router.Check(t.Context(), c.placements)
		if (err == nil) != c.right {
			t.Errorf("%s: Check says %v", name, err)
		}
	}
	w.Stop(t)
	if err := w.Router.Check(t.Context(), []service.Placement{blue, green}); err == nil {
		t.Error("Check finds a data plane that is gone in order")
	}
}

// joined is a with one more instance, at b's address.
func joined(a, b service.Placement) service.Placement {
	more := service.Instance{Name: a.Slot + "/more", Address: b.Instances[0].Address}
	a.Instances = append(append([]service.Instance{}, a.Instances...), more)
	return a
}
