package acceptance_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What must hold after every kill, whatever the way out.

// parked asserts that a candidate has a share of the traffic beside stable.
func (r *rig) parked(stable, candidate string, weight int) {
	r.t.Helper()
	state := r.view(web).State
	a := state.OpenAttempt()
	if state.Stable.Version() != stable || a == nil || a.Release.Version() != candidate || a.Weight != weight || a.Judged != weight {
		r.t.Fatalf("stable is %s, the open attempt %+v; want %s, and %s at %d", state.Stable, a, stable, candidate, weight)
	}
	slot := state.Releases[a.Release].Placement.Slot
	weights, err := r.adapters().Router.Weights(context.Background())
	if err != nil || weights[slot] != weight {
		r.t.Errorf("the router's weights are %v (%v), want %d for %s", weights, err, weight, slot)
	}
	r.await("both releases' processes", func() bool { return r.running(web) == 2 })
}

// connector is that of an operator on this machine.
func (r *rig) connector() *connect.Connector {
	r.t.Helper()
	s, directory, err := connect.Store(context.Background(), r.storeURL)
	if err != nil {
		r.t.Fatal(err)
	}
	options := connect.Options{Store: s, Directory: directory}
	if r.fleet != nil {
		options.Credentials = r.fleet.credentials()
	}
	return connect.New(options)
}

// adapters of the service, as its ledger defines it.
func (r *rig) adapters() delivery.Adapters {
	r.t.Helper()
	a, err := r.connector().Adapters(*r.view(web).State.Definition)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// watchStable asks the release that the ledger says is stable all the time, past the router. The returned function says how often it
// did not answer, and was stable before and after that.
func (r *rig) watchStable() func() []string {
	s, _, err := connect.Store(context.Background(), r.storeURL)
	if err != nil {
		r.t.Fatal(err)
	}
	l := ledger.Open(s, web)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan []string)
	go func() {
		var silent []string
		client := &http.Client{Timeout: 10 * time.Second}
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			before, err := l.Read(ctx)
			if err != nil || before.State.StableRelease() == nil {
				continue
			}
			stable := before.State.StableRelease()
			for _, i := range stable.Placement.Instances {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.Address+"/healthz", nil)
				if err != nil {
					continue
				}
				response, err := client.Do(request)
				if err == nil {
					_ = response.Body.Close()
					continue
				}
				after, readErr := l.Read(ctx)
				if readErr == nil && after.State.StableRelease() != nil && after.State.StableRelease().ID == stable.ID && ctx.Err() == nil {
					silent = append(silent, fmt.Sprintf("stable %s at %s: %v", stable.ID, i.Address, err))
				}
			}
		}
		done <- silent
	}()
	return func() []string { cancel(); return <-done }
}

// oneEndEach asserts that each attempt in the ledger was opened once and has exactly one end (one that is parked has none yet), and
// that no change is left of which nobody knows what became of it.
func (r *rig) oneEndEach() {
	r.t.Helper()
	s, _, err := connect.Store(context.Background(), r.storeURL)
	if err != nil {
		r.t.Fatal(err)
	}
	events, err := ledger.Open(s, web).Events(context.Background(), 1)
	if err != nil {
		r.t.Fatal(err)
	}
	opened, closed := map[int]int{}, map[int]int{}
	for _, e := range events {
		switch e.Type { //nolint:exhaustive // beginnings and ends
		case ledger.AttemptOpened:
			opened[e.Attempt]++
		case ledger.AttemptClosed:
			closed[e.Attempt]++
		}
	}
	state := r.view(web).State
	parked := 0
	if a := state.OpenAttempt(); a != nil && a.Weight > 0 && !a.Busy() {
		parked = a.Number
	}
	for attempt, n := range opened {
		if n != 1 || closed[attempt] != 1 && attempt != parked {
			r.t.Errorf("attempt %d was opened %d times and closed %d times", attempt, n, closed[attempt])
		}
	}
	// One that a killed run has left where nobody had to do anything after it is unknown until somebody takes the lease.
	if len(state.Pending) > 0 && state.Lease == nil {
		r.t.Errorf("changes without an outcome: %+v", state.Pending)
	}
}

// nothingUnknown asserts that what lies and runs on the platform is what the ledger knows of.
func (r *rig) nothingUnknown() {
	r.t.Helper()
	state := r.view(web).State
	if state.Definition == nil {
		return
	}
	placed, err := r.adapters().Platform.Releases(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	var there []service.ReleaseID
	for _, p := range placed {
		there = append(there, p.ID)
	}
	slices.Sort(there)
	if known := slices.Sorted(maps.Keys(state.Releases)); !slices.Equal(there, known) {
		r.t.Errorf("the platform has %v, the ledger knows %v", there, known)
	}
	r.await("a supervisor and a logger for each instance, and nothing else", func() bool { return len(r.processes()) == 3*len(r.processesOf(web)) })
}

// stateIsTrue asserts that Terraform's state says what is.
func (r *rig) stateIsTrue() {
	r.t.Helper()
	state := r.view(web).State
	wanted := state.Stable
	if a := state.OpenAttempt(); a != nil {
		wanted = a.Release
	}
	if release, _ := r.stateOf("deploy_release.web", "release"); fmt.Sprint(release) != string(wanted) {
		r.t.Errorf("the state's release is %v, want %s", release, wanted)
	}
	router := r.adapters().Router
	if router == nil {
		return
	}
	weights, err := router.Weights(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	sum := 0
	for _, w := range weights {
		sum += w
	}
	told, _ := r.stateOf("deploy_traffic_split.web", "weights")
	if fmt.Sprint(told) != fmt.Sprint(weights) || sum != 100 {
		r.t.Errorf("the state's weights are %v, the router's %v", told, weights)
	}
}

// listedBackupsAreWhole asserts that whatever a checkpoint lists can be restored.
func (r *rig) listedBackupsAreWhole() {
	r.t.Helper()
	connector := r.connector()
	for _, a := range r.view(web).State.Attempts {
		if a.Checkpoint == nil {
			continue
		}
		for _, saved := range a.Checkpoint.Backups {
			backup, err := connector.Backup(saved.Name, saved.Definition)
			if err == nil {
				err = backup.Verify(context.Background(), saved.Directory, saved.Files)
			}
			if err != nil {
				r.t.Errorf("the checkpoint of attempt %d lists %s: %v", a.Number, saved.Directory, err)
			}
		}
	}
}

// withoutBadAnswers leaves out the errors that a bad release itself answered with.
func withoutBadAnswers(lost []string) []string {
	return slices.DeleteFunc(slices.Clone(lost), func(l string) bool { return strings.HasPrefix(l, "500 ") })
}
