package delivery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// lookInterval is how often a candidate without an analysis is looked at.
const lookInterval = time.Second

// observer is what a judge looks at the world with, and whom it tells what it sees.
type observer struct {
	adapters Adapters
	// now is the store's clock.
	now  func() time.Time
	tell func(ledger.Progress)
	warn func(summary, detail string)
	// install: the candidate is the first release, and may well have no users yet.
	install bool
}

// observer of the stage tells with the lease's heartbeat.
func (s *stageWork) observer() observer {
	return observer{
		adapters: s.adapters, now: s.now, warn: s.warn, install: s.current().Mode == service.ModeInstall,
		tell: func(p ledger.Progress) {
			p.Attempt, p.Stage = s.number, string(s.stage)
			s.lease.Report(p)
		},
	}
}

// errBlind is the failure of a release that cannot be judged where its policy is to restore then.
var errBlind = errors.New("it cannot be judged")

// judge watches a candidate under traffic, beside stable where that has traffic too.
type judge struct {
	observer
	spec      *AnalysisSpec
	candidate service.Release
	restarts  map[string]int
	// silent counts for each instance the looks in a row at which it did not answer.
	silent map[string]int
	judge  analysis.Judge
	ours   Sampler
	theirs Sampler
	// fewWillDo: a step may end however few requests it has seen.
	fewWillDo bool
	// blind: it was told that a step went on without a judgement.
	blind bool
	last  analysis.Verdict
}

// newJudge begins to watch candidate. spec nil: only its instances are looked at. stable nil: there is nothing to compare with.
func newJudge(ctx context.Context, o observer, spec *AnalysisSpec, candidate service.Release, stable *service.Release) (*judge, error) {
	j := &judge{observer: o, spec: spec, candidate: candidate, restarts: map[string]int{}, silent: map[string]int{}}
	instances, err := o.adapters.Platform.Inspect(ctx, candidate.Placement)
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", candidate.ID, err)
	}
	for _, i := range instances {
		j.restarts[i.Name] = i.Restarts
	}
	if spec != nil && stable == nil {
		// The first release has nothing to be compared with, and never will have.
		alone := *spec
		alone.Config = spec.Alone()
		j.spec = &alone
		if spec = &alone; alone.Errors == nil && alone.Latency == nil {
			spec = nil
		}
	}
	if spec == nil || o.adapters.Metrics == nil {
		j.spec = nil
		return j, nil
	}
	if j.judge, err = analysis.New(spec.Config); err != nil {
		return nil, fmt.Errorf("begin the analysis: %w", err)
	}
	threshold := time.Duration(0)
	if spec.Latency != nil {
		threshold = spec.Latency.Threshold
	}
	measure := Measure{Threshold: threshold, Requests: true}
	j.ours = o.adapters.Metrics.Sampler(candidate.Placement, measure)
	if stable != nil {
		j.theirs = o.adapters.Metrics.Sampler(stable.Placement, measure)
		// Where stable has no traffic any more, what it did before stands for it. One that cannot be asked is none: then a comparison
		// does not pass.
		if before, err := j.theirs.Total(ctx); err == nil {
			j.judge.Baseline(before)
		}
	}
	// The first sample sets the marks; a source that does not answer yet is judged in the loop.
	if _, err := j.sample(ctx); err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("begin the analysis: %w", err)
	}
	return j, nil
}

type counts struct{ ours, theirs analysis.Counts }

func (j *judge) sample(ctx context.Context) (c counts, err error) {
	ours, err := j.ours.Sample(ctx)
	if err != nil {
		return c, err
	}
	c.ours = ours.Counts
	if j.theirs != nil {
		theirs, err := j.theirs.Sample(ctx)
		// Stable only serves for comparison: without it the absolute limits still hold.
		if err != nil && ctx.Err() != nil {
			return c, err
		}
		c.theirs = theirs.Counts
	}
	return c, nil
}

// hold stays at a step: at least for its pause, and until enough was seen; a candidate that is worse than allowed, or
// that dies, ends it at once.
func (j *judge) hold(ctx context.Context, step Step) error {
	maxPause := time.Duration(0)
	if j.spec != nil {
		j.judge.Step()
		maxPause = max(j.spec.MaxPause.D(), step.Pause.D())
	}
	began := time.Now()
	at := ledger.Progress{Weight: step.Weight, Since: j.now(), Until: j.now().Add(step.Pause.D())}
	ticker := time.NewTicker(j.interval())
	defer ticker.Stop()
	trouble, enough := "", j.spec == nil
	for {
		over := time.Since(began) >= step.Pause.D()
		switch {
		case over && enough:
			return nil
		case over && j.spec != nil && time.Since(began) >= maxPause:
			return j.inconclusive(step, trouble, time.Since(began))
		case over && j.spec == nil:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("judge %s at %d %%: %w", j.candidate.ID, step.Weight, ctx.Err())
		case <-ticker.C:
		}
		var err error
		if enough, trouble, err = j.look(ctx, at); err != nil {
			return err
		}
	}
}

// interval between two looks.
func (j *judge) interval() time.Duration {
	if j.spec == nil {
		return lookInterval
	}
	return positive(j.spec.Interval.D(), lookInterval)
}

// look looks once, at a candidate that has a weight. enough: it may go on. trouble: why there is nothing to judge by, empty if
// there is. An error by against speaks against the candidate.
func (j *judge) look(ctx context.Context, at ledger.Progress) (enough bool, trouble string, err error) {
	if err := j.alive(ctx); err != nil {
		return false, "", err
	}
	if j.spec == nil {
		at.Text = fmt.Sprintf("%s at %d %%, its instances are up", j.candidate.ID, at.Weight)
		j.tell(at)
		return true, "", nil
	}
	c, err := j.sample(ctx)
	if ctx.Err() != nil {
		return false, "", fmt.Errorf("judge %s at %d %%: %w", j.candidate.ID, at.Weight, ctx.Err())
	}
	if err != nil {
		policy, what := j.spec.OnSourceError, "the source of the metrics fails"
		if errors.Is(err, analysis.ErrNoData) {
			policy, what = j.spec.OnNoData, "the metrics have no data"
		}
		at.Text = fmt.Sprintf("%s at %d %%: %s: %s", j.candidate.ID, at.Weight, what, err)
		j.tell(at)
		return j.without(policy, fmt.Sprintf("%s: %s", what, err))
	}
	verdict := j.judge.Look(analysis.Look{Took: j.interval(), Candidate: c.ours, Stable: c.theirs})
	j.last = verdict
	at.Text, at.Evidence = fmt.Sprintf("%s at %d %%: %s", j.candidate.ID, at.Weight, verdict.Reason), j.evidence()
	j.tell(at)
	switch verdict.Decision {
	case analysis.Restore:
		return false, "", against(j.evidence(), "%s", verdict.Reason)
	case analysis.Pass:
		return true, "", nil
	case analysis.Wait:
	}
	return false, verdict.Reason, nil
}

// without decides what to do when there is nothing to judge by.
func (j *judge) without(policy Policy, reason string) (bool, string, error) {
	switch policy {
	case PolicyRestore:
		// That says nothing about the release.
		return false, reason, fmt.Errorf("%s: %w: %s", j.candidate.ID, errBlind, reason)
	case PolicyPause:
		return false, reason, &pausedError{reason: reason}
	case PolicyContinue:
		if !j.blind {
			j.blind = true
			j.warn("Release Not Judged", fmt.Sprintf("%s goes on without a judgement, as its policy says: %s.", j.candidate.ID, reason))
		}
		return true, reason, nil
	case PolicyWait:
	}
	return false, reason, nil
}

// inconclusive decides what to do when a step has lasted as long as it may and too little was seen.
func (j *judge) inconclusive(step Step, trouble string, waited time.Duration) error {
	if j.fewWillDo && trouble == j.last.Reason && j.last.TooFew {
		return nil
	}
	if trouble == "" {
		trouble = "nothing was measured"
	}
	reason := fmt.Sprintf("after %s at %d %% it cannot be told whether %s is good: %s", waited.Round(time.Second), step.Weight, j.candidate.ID, trouble)
	switch j.spec.OnInconclusive {
	case PolicyRestore:
		return against([]string{trouble}, "%s", reason)
	case PolicyContinue:
		if !j.install {
			j.warn("Step Inconclusive", reason+". It goes on.")
		}
		return nil
	case PolicyPause, PolicyWait:
	}
	return &pausedError{reason: reason}
}

// alive looks at the candidate's instances.
func (j *judge) alive(ctx context.Context) error {
	instances, err := j.adapters.Platform.Inspect(ctx, j.candidate.Placement)
	if err != nil {
		return fmt.Errorf("inspect %s: %w", j.candidate.ID, err)
	}
	for _, i := range instances {
		if !i.Running || i.Restarts > j.restarts[i.Name] {
			return against(nil, "instance %s of %s died under traffic: %s", i.Name, j.candidate.ID, i.Detail)
		}
	}
	return j.answers(ctx)
}

// silentLooks in a row at which an instance does not answer speak against it: one alone may be the network's.
const silentLooks = 3

// answers probes every instance as its health says: one may have got stuck while its process lives.
func (j *judge) answers(ctx context.Context) error {
	failed := probeAll(ctx, j.adapters.Platform, j.candidate.Placement.Instances, j.candidate.Health)
	if ctx.Err() != nil {
		return fmt.Errorf("probe %s: %w", j.candidate.ID, ctx.Err())
	}
	for n, i := range j.candidate.Placement.Instances {
		if failed[n] == nil {
			j.silent[i.Name] = 0
			continue
		}
		if j.silent[i.Name]++; j.silent[i.Name] >= silentLooks {
			return against([]string{fmt.Sprintf("%s at %s: %s", i.Name, i.Address, failed[n])},
				"instance %s of %s does not answer under traffic, %d times in a row: %s", i.Name, j.candidate.ID, silentLooks, failed[n])
		}
	}
	return nil
}

// evidence lists the judgements with their numbers. What the candidate left is gathered when the traffic is safe.
func (j *judge) evidence() []string {
	var lines []string
	for _, g := range j.last.Judgements {
		line := fmt.Sprintf("%s: candidate %s", g.Rule, tally(g.Candidate))
		if g.Stable.All > 0 {
			line += ", stable " + tally(g.Stable)
		}
		line += fmt.Sprintf("; evidence against it %s, limit %s", significant(g.Evidence), significant(g.Limit))
		lines = append(lines, line)
	}
	return lines
}

// significant is a number that matters by its size.
func significant(x float64) string {
	switch {
	case x >= math.MaxFloat64:
		return "∞"
	case x >= 1000:
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

func tally(t analysis.Tally) string {
	share := 0.0
	if t.All > 0 {
		share = 100 * t.Bad / t.All
	}
	return fmt.Sprintf("%.0f of %.0f (%.1f %%)", t.Bad, t.All, share)
}
