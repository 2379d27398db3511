package delivery

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How long each stage takes at most, from its arguments alone: plans show it, and sum it up against the run budget.

// overhead is the time for what has no deadline of its own: reading, writing, inspecting.
const overhead = 10 * time.Second

// WorstCase of preflight: its slowest check. A rollback asks nothing.
func (s PreflightSpec) WorstCase(mode service.Mode) time.Duration {
	if mode == service.ModeRollback {
		return overhead
	}
	return overhead + slowest(s.Checks)
}

// WorstCase of a checkpoint: its backups one after the other.
func (s CheckpointSpec) WorstCase(mode service.Mode) time.Duration {
	total := overhead
	if mode == service.ModeRollback {
		return total
	}
	for _, b := range s.Backups {
		if b.Command != nil {
			total += b.Command.Timeout.D()
		} else {
			total += filesBackupTimeout
		}
	}
	return total
}

// filesBackupTimeout is what a backup of files may take.
const filesBackupTimeout = 10 * time.Minute

// WorstCase of a release: until every instance is healthy, host by host where there are several (Waves). A rollback waits for one good answer of instances that were
// healthy before: thirty seconds are counted for it, though it waits up to their healthy deadline.
func (s ReleaseSpec) WorstCase(mode service.Mode) time.Duration {
	if mode == service.ModeRollback {
		return min(s.Health.HealthyDeadline.D(), 30*time.Second) + overhead
	}
	return time.Duration(max(s.Waves, 1))*(s.Health.HealthyDeadline.D()+s.Health.MinHealthyTime.D()) + overhead
}

// uploadAllowance is for bringing a release's files to other machines, which goes on for as long as it comes forward.
const uploadAllowance = 5 * time.Minute

// placing is what rolling out on d takes beside starting and waiting: to bring the files there, and to stop what has the place of the new
// instances, in each of waves, or, where no router splits the traffic, what they are beside.
func placing(d service.Definition, waves int, interrupts bool) time.Duration {
	host := d.Platform.Host
	total := time.Duration(0)
	if len(host.Hosts) > 0 {
		total += uploadAllowance
	}
	switch {
	case interrupts:
		total += time.Duration(max(waves, 1)) * host.DrainTimeout.D()
	case d.Router == nil:
		total += host.DrainTimeout.D()
	}
	return total
}

// WorstCase of a smoke test: its slowest check.
func (s SmokeTestSpec) WorstCase(service.Mode) time.Duration { return overhead + slowest(s.Checks) }

// Walk lists the steps of a release that begins at 0, up to the declared weight.
func (s SplitSpec) Walk() []Step { return stepsUp(s, 0) }

// WorstCase of a split: each step for as long as it may last, and then the round of checks that has begun by then. Initial delays are a part
// of that.
func (s SplitSpec) WorstCase(mode service.Mode) time.Duration {
	total := overhead
	if mode != service.ModeUpdate {
		return total
	}
	for _, step := range s.Walk() {
		total += s.Analysis.longest(step.Pause) + slowest(s.Checks)
	}
	return total
}

// longest stay at a step with a pause. Without an analysis it is the pause.
func (s *AnalysisSpec) longest(pause service.Duration) time.Duration {
	if s == nil {
		return pause.D()
	}
	return max(pause.D(), s.MaxPause.D())
}

// WorstCase of a verification: its slowest check, then the judgement.
func (s VerificationSpec) WorstCase(mode service.Mode) time.Duration {
	total := overhead + slowest(s.Checks)
	if s.Analysis != nil && mode != service.ModeRollback {
		total += s.Analysis.longest(s.Duration)
	}
	return total
}

// WorstCase of a finalization: the bake time, and the time for the old release to stop.
func (s FinalizationSpec) WorstCase(mode service.Mode) time.Duration {
	if mode == service.ModeRollback {
		return overhead
	}
	return s.BakeTime.D() + 30*time.Second + overhead
}

// slowest is the time of the check that takes longest: they run side by side.
func slowest(checks map[string]service.Check) time.Duration {
	var longest time.Duration
	for _, c := range checks {
		longest = max(longest, worstOf(c))
	}
	return longest
}

func worstOf(c service.Check) time.Duration {
	tries := func(timeout, interval service.Duration, retries, passes int) time.Duration {
		n := time.Duration(retries + max(passes, 1))
		return n*timeout.D() + (n-1)*interval.D()
	}
	switch {
	case c.HTTP != nil:
		return tries(c.HTTP.Timeout, c.HTTP.Interval, c.HTTP.Retries, c.HTTP.Passes)
	case c.TCP != nil:
		return tries(c.TCP.Timeout, c.TCP.Interval, c.TCP.Retries, 1)
	case c.Command != nil:
		return c.Command.Timeout.D()
	case c.SQL != nil:
		return c.SQL.Timeout.D()
	case c.Metric != nil:
		return c.Metric.Window.D() + overhead
	}
	return overhead
}
