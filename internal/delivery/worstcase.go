package delivery

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How long each stage takes at most: plans show it, and sum it up against the run budget, and a stage that takes longer is ended (allowed).
// Both are from here: from the stage's arguments, and from what is known of the service. What a run puts right before the stage begins (enter),
// such as what an earlier one left behind, is not in it, and has bounds of its own.

const (
	// overhead is the time for what has no deadline of its own, reading, writing, inspecting, and for a machine that is slow.
	overhead = time.Minute
	// filesBackupTimeout is what a backup of files may take.
	filesBackupTimeout = 10 * time.Minute
	// uploadAllowance is shown for bringing a release's files to other machines. The stage's time does not run meanwhile (stageClock).
	uploadAllowance = 5 * time.Minute
	// startAllowance is for what a wave on other machines takes beside waiting for its instances: to write units, and to start them.
	startAllowance = 30 * time.Second
	// weightsAllowance is for telling a router its weights and reading them back, beside its WarmUp.
	weightsAllowance = 15 * time.Second
	// silenceAllowance is for a machine that does not answer at a time, this one too, and the look that finds it so (patience).
	silenceAllowance = silenceTimeout + longestProbe
	// usualDrain is what instances have to stop, and requests to end, where nothing else is known.
	usualDrain = 30 * time.Second
)

// Circumstances are what a stage's time depends on beside its arguments. The zero value is a service that nothing is known of yet: on one
// machine, behind a router that warms nothing up.
type Circumstances struct {
	// Mode in which the release is introduced.
	Mode service.Mode `json:"-"`
	// Waves that a release's instances come up in, 0 like 1.
	Waves int `json:"waves,omitempty"`
	// Hosts: the instances are on other machines.
	Hosts bool `json:"hosts,omitempty"`
	// Interrupts: a new release takes the place of the old one. Unrouted: nothing splits the traffic.
	Interrupts bool `json:"interrupts,omitempty"`
	Unrouted   bool `json:"unrouted,omitempty"`
	// Stop is what an instance has to stop, Drain what requests in flight have to end, 0 the usual; WarmUp is the router's time for its own
	// checks, before a slot that had no traffic has some.
	Stop   service.Duration `json:"stop,omitempty"`
	Drain  service.Duration `json:"drain,omitempty"`
	WarmUp service.Duration `json:"warm_up,omitempty"`
	// Probe is what an instance that is watched has to answer, where that is more than the usual. A service's definition does not say it.
	Probe service.Duration `json:"-"`
}

// CircumstancesOf is what d says of them. interrupts: it has one slot.
func CircumstancesOf(d service.Definition, interrupts bool) Circumstances {
	c := Circumstances{Interrupts: interrupts, Unrouted: d.Router == nil}
	if host := d.Platform.Host; host != nil {
		c.Waves, c.Hosts, c.Stop = host.Waves(interrupts), len(host.Hosts) > 0, host.DrainTimeout
	}
	switch r := d.Router; {
	case r == nil:
	case r.HAProxy != nil:
		c.Drain, c.WarmUp = r.HAProxy.DrainTimeout, service.Duration(service.HAProxyWarmUp)
	case r.Caddy != nil:
		c.Drain = r.Caddy.DrainTimeout
	}
	return c
}

// sightAllowance is for looks until all instances were seen to answer, or one is known not to.
func (c Circumstances) sightAllowance() time.Duration {
	probe := max(longestProbe, c.Probe.D())
	return max(silenceAllowance+probe, failuresInARow*(probe+lookInterval))
}

// completionAllowance is for starting what is missing of a release that runs: a look before, and one after, each patient.
func completionAllowance(r service.Release) time.Duration {
	return 2*silenceAllowance + startAllowance + r.Health.HealthyWithin()
}

// weights is the time until a slot that had no traffic has some.
func (c Circumstances) weights() time.Duration {
	if c.Unrouted {
		return 0
	}
	return c.WarmUp.D() + weightsAllowance
}

func (c Circumstances) stop() time.Duration { return positive(c.Stop.D(), usualDrain) }

// tidy is the time until a release that lost its traffic is stopped.
func (c Circumstances) tidy() time.Duration {
	if c.Unrouted {
		return c.stop()
	}
	return positive(c.Drain.D(), usualDrain) + c.stop()
}

// WorstCase of preflight: its questions, each of which may wait for a host that is silent, and its slowest check. A rollback asks nothing.
func (s PreflightSpec) WorstCase(c Circumstances) time.Duration {
	total := overhead
	if c.Mode == service.ModeRollback {
		return total
	}
	if c.Hosts {
		total += silenceAllowance
	}
	return total + slowest(s.Checks)
}

// WorstCase of a checkpoint: its backups one after the other.
func (s CheckpointSpec) WorstCase(c Circumstances) time.Duration {
	total := overhead
	if c.Mode == service.ModeRollback {
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

// WorstCase of a release: until its files are there, every instance is healthy, wave by wave, what has its place is stopped, and all are seen
// to run it. A rollback waits for one good answer of each, gives them the traffic, and stops what had it.
func (s ReleaseSpec) WorstCase(c Circumstances) time.Duration {
	c.Probe = s.Health.Timeout
	total, waves, healthy := overhead+c.sightAllowance(), time.Duration(max(c.Waves, 1)), s.Health.HealthyWithin()
	if c.Hosts {
		total += uploadAllowance + waves*startAllowance
	}
	switch {
	case c.Mode == service.ModeInstall:
		return total + waves*(healthy+s.Health.MinHealthyTime.D()) + c.weights()
	case c.Mode != service.ModeRollback:
		total += waves * (healthy + s.Health.MinHealthyTime.D())
	case c.Interrupts:
		total += waves*healthy + c.weights()
	default:
		total += healthy + c.weights() + c.tidy()
	}
	switch {
	case c.Interrupts:
		total += waves * c.stop()
	case c.Unrouted && c.Mode != service.ModeRollback:
		total += c.stop()
	}
	return total
}

// WorstCase of a smoke test: its slowest check.
func (s SmokeTestSpec) WorstCase(Circumstances) time.Duration { return overhead + slowest(s.Checks) }

// Walk lists the steps of a release that begins at 0, up to the declared weight.
func (s SplitSpec) Walk() []Step { return stepsUp(s, 0) }

// WorstCase of a split: before each step a look, and the weights; then the step for as long as it may last, and longer until all
// are seen at its end, and the round of checks that has begun by then, which is repeated if it failed while the machine was. Initial delays are a part of that.
func (s SplitSpec) WorstCase(c Circumstances) time.Duration {
	total := overhead + c.weights()
	if c.Mode != service.ModeUpdate {
		return total
	}
	for _, step := range s.Walk() {
		total += c.sightAllowance() + weightsAllowance + s.Analysis.longest(step.Pause) + c.sightAllowance()
		if len(s.Checks) > 0 {
			total += 2*slowest(s.Checks) + min(positive(s.CheckInterval.D(), usualCheckInterval), usualCheckInterval)
		}
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
func (s VerificationSpec) WorstCase(c Circumstances) time.Duration {
	total := overhead + slowest(s.Checks)
	if s.Analysis != nil && c.Mode != service.ModeRollback {
		total += s.Analysis.longest(s.Duration) + c.sightAllowance()
	}
	return total
}

// WorstCase of a finalization: the bake time, a last look, and the time for the old release to stop. A rollback has stopped it, except where it
// could not.
func (s FinalizationSpec) WorstCase(c Circumstances) time.Duration {
	total := overhead + c.tidy()
	if c.Mode == service.ModeRollback {
		return total
	}
	total += c.sightAllowance()
	if s.BakeTime > 0 {
		total += s.BakeTime.D() + c.sightAllowance()
	}
	return total
}

// slowest is the time of the check that takes longest: they run side by side.
func slowest(checks map[string]service.Check) time.Duration {
	var longest time.Duration
	for _, c := range checks {
		longest = max(longest, c.WorstCase())
	}
	return longest
}
