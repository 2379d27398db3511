package acceptance_test

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// atHalf applies a configuration and returns when half of the traffic is with its release.
func (r *rig) atHalf(c config) *running {
	r.t.Helper()
	r.write(c.hcl(r))
	return r.until("half of the traffic", func() bool {
		a := r.view(web).State.OpenAttempt()
		return a != nil && a.Stage == service.StageTrafficSplit && a.Weight == 50
	})
}

// until applies, and returns when something is so.
func (r *rig) until(what string, so func() bool) *running {
	r.t.Helper()
	run := r.start("apply", "-auto-approve", "-no-color", "-input=false")
	r.await(what, func() bool {
		select {
		case <-run.done:
			r.t.Fatalf("terraform ended before %s:\n%s", what, run.output.String())
		default:
		}
		return so()
	})
	return run
}

// awaitWeights waits until every HAProxy has these weights.
func (r *rig) awaitWeights(want map[string]int) {
	r.t.Helper()
	router := r.adapters().Router
	var weights map[string]int
	var err error
	r.await("the weights", func() bool {
		weights, err = router.Weights(context.Background())
		return err == nil && maps.Equal(weights, want)
	})
}

// answers waits until each instance of stable answers.
func (r *rig) answers() {
	r.t.Helper()
	for _, i := range r.view(web).State.StableRelease().Placement.Instances {
		r.await(i.Name+" to answer", func() bool { _, code := get("http://" + i.Address + "/"); return code == http.StatusOK })
	}
}

// waitFor is wait with another patience.
func (r *rig) waitFor(run *running, d time.Duration) int {
	r.t.Helper()
	select {
	case <-run.done:
		return run.ProcessState.ExitCode()
	case <-time.After(d):
		r.t.Fatalf("terraform did not end within %s:\n%s", d, run.output.String())
		return -1
	}
}
