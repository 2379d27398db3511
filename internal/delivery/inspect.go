package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// inspect looks at the world: r's instances and the router's weights.
func (w *work) inspect(ctx context.Context, r service.Release) (service.Snapshot, error) {
	return inspect(ctx, w.adapters, r)
}

func inspect(ctx context.Context, a Adapters, r service.Release) (service.Snapshot, error) {
	snapshot := service.Snapshot{TakenAt: time.Now().UTC()}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	// Each may have to log in to machines first.
	weights := beside(func() (s split) {
		if a.Router != nil {
			s.weights, s.err = a.Router.Weights(reading)
		}
		return s
	})
	instances, err := a.Platform.Inspect(ctx, r.Placement)
	if err != nil {
		return snapshot, &silentError{err}
	}
	read := weights()
	snapshot.Instances, snapshot.Weights = instances, read.weights
	if read.err != nil {
		return snapshot, fmt.Errorf("look at the router: %w", read.err)
	}
	return snapshot, nil
}

// split is what a router says that it is.
type split struct {
	weights map[string]int
	err     error
}

// verifyInstances sees to it that every instance runs the release: success means that.
func (w *work) verifyInstances(ctx context.Context, r service.Release) error {
	var instances []service.InstanceState
	if err := patiently(ctx, func() (err error) {
		if instances, err = w.adapters.Platform.Inspect(ctx, r.Placement); err != nil {
			return &silentError{err}
		}
		return nil
	}); err != nil {
		return err
	}
	if (service.Snapshot{Instances: instances}).Complete(r) {
		return nil
	}
	return against(append([]string{describe(instances)}, w.remains(ctx, r)...), "not every instance runs %s", r.ID)
}

// runsAny tells whether any of the instances runs r, be it one that is about to be gone.
func runsAny(r service.Release, instances []service.InstanceState) bool {
	return slices.ContainsFunc(instances, func(i service.InstanceState) bool { return i.Runs(r.ID) })
}

// remainsLines is how many log lines of a failing candidate are captured.
const remainsLines = 20

// remains are a candidate's last log lines and the state of its instances.
func (w *work) remains(ctx context.Context, r service.Release) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var remains []string
	if instances, err := w.adapters.Platform.Inspect(ctx, r.Placement); err == nil {
		remains = append(remains, "instances: "+describe(instances))
	}
	if lines, err := w.adapters.Platform.Logs(ctx, r.Placement, remainsLines); err == nil && len(lines) > 0 {
		remains = append(remains, "last log lines:\n"+strings.Join(w.secretsOf(r).Excerpt(lines), "\n"))
	}
	return remains
}

func describe(instances []service.InstanceState) string {
	parts := make([]string, len(instances))
	for n, i := range instances {
		switch {
		case i.Running && i.Detail == "":
			parts[n] = fmt.Sprintf("%s runs %s", i.Name, i.Release.Label())
		case i.Running:
			parts[n] = fmt.Sprintf("%s runs %s (%s)", i.Name, i.Release.Label(), i.Detail)
		default:
			parts[n] = i.Name + " does not run"
			if i.Detail != "" {
				parts[n] += " (" + i.Detail + ")"
			}
		}
	}
	return strings.Join(parts, ", ")
}
