package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/logline"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// remainsLines is how many log lines of a failing candidate are captured.
	remainsLines = 20
	// probeTimeout bounds the one probe of stable before traffic goes back: it stands between users and stable.
	// One that was given more time to answer has it, up to longestProbe, and so has one on a host.
	probeTimeout = 2 * time.Second
	longestProbe = 10 * time.Second
	// silenceTimeout is how long a release that starts may be out of sight.
	silenceTimeout = time.Minute
)

// awaitHealthy waits until every instance of r has been healthy for the minimum time. A crash or a denied log line
// fails at once, with the last lines.
// restarted are the restarts that instances had before, which say nothing about how they start now.
func (w *work) awaitHealthy(ctx context.Context, r service.Release, h service.Health, restarted map[string]int) error {
	denied, err := logline.Compile(h.DenyLogs)
	if err != nil {
		return err
	}
	began := time.Now()
	progress := began
	// One that was taken over may be recorded without.
	healthyDeadline, progressDeadline := positive(h.HealthyDeadline.D(), service.DefaultHealthyDeadline.D()), positive(h.ProgressDeadline.D(), service.DefaultProgressDeadline.D())
	since := map[string]time.Time{}
	healthy := map[string]bool{}
	reason := map[string]string{}
	ticker := time.NewTicker(positive(h.Interval.D(), time.Second))
	defer ticker.Stop()
	answered := began
	for {
		err := w.crashed(ctx, r, denied, restarted)
		if silent := (*silentError)(nil); errors.As(err, &silent) && !outOfReach(err) && ctx.Err() == nil && time.Since(answered) < silenceTimeout {
			// A machine that is started again, or a connection that broke: the instance is seen when it answers.
		} else if err != nil {
			return err
		} else {
			answered = time.Now()
		}
		failed := probeAll(ctx, w.adapters.Platform, r.Placement.Instances, h)
		for n, i := range r.Placement.Instances {
			if err := failed[n]; err != nil {
				delete(since, i.Name)
				healthy[i.Name] = false
				reason[i.Name] = err.Error()
				continue
			}
			if _, found := since[i.Name]; !found {
				since[i.Name] = time.Now()
			}
			if !healthy[i.Name] && time.Since(since[i.Name]) >= h.MinHealthyTime.D() {
				healthy[i.Name] = true
				progress = time.Now()
			}
		}
		if all(healthy, r.Placement.Instances) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for %s to become healthy: %w", r.ID, err)
		}
		if time.Since(began) > healthyDeadline || time.Since(progress) > progressDeadline {
			return w.unhealthy(ctx, r, healthy, reason, time.Since(began))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s to become healthy: %w", r.ID, ctx.Err())
		case <-ticker.C:
		}
	}
}

// silentError is that instances could not be looked at, which says nothing about them.
type silentError struct{ error }

func (e *silentError) Unwrap() error { return e.error }

func positive(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

func all(healthy map[string]bool, instances []service.Instance) bool {
	for _, i := range instances {
		if !healthy[i.Name] {
			return false
		}
	}
	return len(instances) > 0
}

// crashed looks for an instance that died or was started again, and for denied log lines.
func (w *work) crashed(ctx context.Context, r service.Release, denied logline.Patterns, restarted map[string]int) error {
	instances, silent := w.adapters.Platform.Inspect(ctx, r.Placement)
	for _, i := range instances {
		if i.Restarts > restarted[i.Name] {
			return against(w.remains(ctx, r), "instance %s of %s died while it started: %s", i.Name, r.ID, i.Detail)
		}
	}
	if silent != nil {
		return &silentError{silent}
	}
	if len(denied) == 0 {
		return nil
	}
	lines, err := w.adapters.Platform.Logs(ctx, r.Placement, 10_000)
	if err != nil {
		return &silentError{fmt.Errorf("read the log of %s: %w", r.ID, err)}
	}
	for _, line := range lines {
		if denied.Match(line, r.Placement.Instances) {
			shown := strings.Join(w.secretsOf(r).Excerpt([]string{line}), "")
			return against(append([]string{"log: " + shown}, w.remains(ctx, r)...), "%s wrote a line that deny_logs denies while it started", r.ID)
		}
	}
	return nil
}

func (w *work) unhealthy(ctx context.Context, r service.Release, healthy map[string]bool, reason map[string]string, waited time.Duration) error {
	var evidence []string
	count := 0
	for _, i := range r.Placement.Instances {
		if healthy[i.Name] {
			count++
		} else {
			evidence = append(evidence, fmt.Sprintf("%s at %s: %s", i.Name, i.Address, reason[i.Name]))
		}
	}
	return against(append(evidence, w.remains(ctx, r)...), "%d of %d instances of %s were healthy after %s",
		count, len(r.Placement.Instances), r.ID, waited.Round(time.Second))
}

// serves tells whether r's own instances, and no other release's in their place, run and answer.
func (w *work) serves(ctx context.Context, r service.Release) error {
	_, err := w.serving(ctx, r)
	return err
}

// serving is serves, and tells as well whether r mostly does: machines do not answer, and at least half of its instances run on those
// that do, and answer.
func (w *work) serving(ctx context.Context, r service.Release) (mostly bool, err error) {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	answered := beside(func() error { return w.probeOnce(probing, r) })
	looking, cancel := context.WithTimeout(ctx, longestProbe) // A machine that does not answer stands between users and stable, too.
	instances, err := w.adapters.Platform.Inspect(looking, r.Placement)
	cancel()
	if err != nil {
		return !outOfReach(err) && w.mostlyAnswers(ctx, r, instances), err
	}
	if !(service.Snapshot{Instances: instances}).Complete(r) {
		return false, fmt.Errorf("%s is not complete: %s", r.ID, describe(instances))
	}
	return false, answered()
}

// beside begins to ask while its caller looks elsewhere; what it returns waits for the answer. Who does not wait ends ask's context.
// A panic of ask becomes one of who waits: a stage turns it into a failure, and puts back what was there.
func beside[T any](ask func() T) func() T {
	answers := make(chan answer[T], 1)
	go func() { answers <- ended(ask) }()
	return func() T { return (<-answers).get() }
}

// answer of what was asked beside, or the panic that it ended in.
type answer[T any] struct {
	given  T
	broken any
}

// ended asks, and comes back whatever becomes of it.
func ended[T any](ask func() T) (a answer[T]) {
	defer func() { a.broken = recover() }()
	a.given = ask()
	return a
}

// get is what was given; it panics as what was asked did.
func (a answer[T]) get() T {
	if a.broken != nil {
		panic(a.broken)
	}
	return a.given
}

// runsAny tells whether any of the instances runs r.
func runsAny(r service.Release, instances []service.InstanceState) bool {
	return slices.ContainsFunc(instances, func(i service.InstanceState) bool { return i.Running && i.Release == r.ID })
}

// probeOnce asks every instance of r once.
func (w *work) probeOnce(ctx context.Context, r service.Release) error {
	longest := min(max(probeTimeout, r.Health.Timeout.D()), longestProbe)
	if len(hostsOf(r.Placement)) > 0 {
		longest = longestProbe // To log in takes part of it.
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if len(r.Placement.Instances) == 0 {
		return fmt.Errorf("%s has no instances", r.ID)
	}
	failures := probeAll(ctx, w.adapters.Platform, r.Placement.Instances, r.Health)
	for n, i := range r.Placement.Instances {
		if failures[n] != nil {
			failures[n] = fmt.Errorf("%s at %s: %w", i.Name, i.Address, failures[n])
		}
	}
	return errors.Join(failures...)
}

// probeAll asks every instance once, side by side: one that hangs must not hide another that has died.
func probeAll(ctx context.Context, platform Platform, instances []service.Instance, h service.Health) []error {
	answers := make([]func() error, len(instances))
	for n, i := range instances {
		answers[n] = beside(func() error { return platform.Probe(ctx, i, h) })
	}
	failures := make([]error, len(instances))
	for n, answer := range answers {
		failures[n] = answer()
	}
	return failures
}

// verifyInstances sees to it that every instance runs the release: success means that.
func (w *work) verifyInstances(ctx context.Context, r service.Release) error {
	var instances []service.InstanceState
	if err := patiently(ctx, func() (err error) {
		instances, err = w.adapters.Platform.Inspect(ctx, r.Placement)
		return err
	}); err != nil {
		return err
	}
	if (service.Snapshot{Instances: instances}).Complete(r) {
		return nil
	}
	return against(append([]string{describe(instances)}, w.remains(ctx, r)...), "not every instance runs %s", r.ID)
}

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

// drain waits for the requests in flight to a release that gets no new ones.
func (w *work) drain(ctx context.Context, r service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	if err := w.adapters.Router.Drain(ctx, r.Placement); err != nil {
		return fmt.Errorf("drain %s: %w", r.ID, err)
	}
	return nil
}
