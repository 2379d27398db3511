package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/logline"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
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
	healthyDeadline, progressDeadline := h.HealthyWithin(), positive(h.ProgressDeadline.D(), service.DefaultProgressDeadline.D())
	since := map[string]time.Time{}
	healthy := map[string]bool{}
	reason := map[string]string{}
	ticker := time.NewTicker(positive(h.Interval.D(), time.Second))
	defer ticker.Stop()
	var silence patience
	for {
		// While a machine is silent, the release's log is not read either: such a turn passes nothing.
		unseen := w.crashed(ctx, r, denied, restarted)
		if !silence.bears(unseen) && unseen != nil {
			return unseen
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
		if unseen == nil && all(healthy, r.Placement.Instances) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for %s to become healthy: %w", r.ID, err)
		}
		if time.Since(began) > healthyDeadline || time.Since(progress) > progressDeadline {
			if unseen != nil {
				return fmt.Errorf("wait for %s to become healthy: %w", r.ID, unseen)
			}
			return w.unhealthy(ctx, r, healthy, reason, time.Since(began))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s to become healthy: %w", r.ID, ctx.Err())
		case <-ticker.C:
		case <-longEnough(since, healthy, r.Placement.Instances, h.MinHealthyTime.D()):
		}
	}
}

// longEnough is when the instances have all been healthy for so long, should they stay so: the look that finds it need not wait for its turn.
// It never is where one is not healthy now, or all are already.
func longEnough(since map[string]time.Time, healthy map[string]bool, instances []service.Instance, minimum time.Duration) <-chan time.Time {
	var last time.Time
	for _, i := range instances {
		began, answers := since[i.Name]
		if !answers {
			return nil
		}
		if !healthy[i.Name] && began.After(last) {
			last = began
		}
	}
	if last.IsZero() {
		return nil
	}
	return time.After(time.Until(last.Add(minimum)))
}

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
