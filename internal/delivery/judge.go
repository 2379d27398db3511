package delivery

import (
	"context"
	"errors"
	"fmt"
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
	// note writes a look that changed something into the ledger, by and by; nil where there is no lease to write with.
	note func(judged)
	// install: the candidate is the first release, and may well have no users yet.
	install bool
}

// observer of the stage tells with the lease's heartbeat, and notes with n.
func (s *stageWork) observer(n *noter) observer {
	return observer{
		adapters: s.adapters, now: s.now, warn: s.warn, install: s.current().Mode == service.ModeInstall, note: s.note(n),
		tell: func(p ledger.Progress) {
			p.Attempt, p.Stage = s.number, string(s.stage)
			s.lease.Report(p)
		},
	}
}

// judge watches a candidate under traffic, beside stable where that has traffic too.
type judge struct {
	observer
	spec      *AnalysisSpec
	candidate service.Release
	watch     *watch
	judge     analysis.Judge
	ours      Sampler
	theirs    Sampler
	// interval between two looks: the wanted one, and not less than the source has something new.
	interval time.Duration
	// sampled is when the source was last read.
	sampled time.Time
	// kept is what stable did in samples that failed for the candidate's sake.
	kept Sample
	// cold: what was counted since the last sample may still be of the initial delay.
	cold bool
	// fewWillDo: a step may end however few requests it has seen.
	fewWillDo bool
	troubles  troubles
	notes     notes
	last      analysis.Verdict
}

// newJudge begins to watch candidate. spec nil: only its instances are looked at. stable nil: there is nothing to compare with.
func newJudge(ctx context.Context, o observer, spec *AnalysisSpec, candidate service.Release, stable *service.Release) (*judge, error) {
	seen, err := newWatch(ctx, o.adapters.Platform, candidate)
	if err != nil {
		return nil, err
	}
	j := &judge{observer: o, candidate: candidate, watch: seen, interval: lookInterval}
	if spec != nil && stable == nil {
		// The first release has nothing to be compared with, and never will have.
		alone := *spec
		alone.Config = spec.Alone()
		spec = &alone
		if !alone.Judges() {
			spec = nil
		}
	}
	if spec == nil || o.adapters.Metrics == nil {
		return j, nil
	}
	return j, j.analyse(ctx, spec, stable)
}

// analyse begins the analysis.
func (j *judge) analyse(ctx context.Context, spec *AnalysisSpec, stable *service.Release) (err error) {
	j.spec = spec
	if j.judge, err = analysis.New(spec.Config); err != nil {
		return fmt.Errorf("begin the analysis: %w", err)
	}
	measure := spec.measure()
	j.interval = positive(spec.Interval.D(), lookInterval)
	j.ours = j.adapters.Metrics.Sampler(j.candidate.Placement, measure)
	if stable != nil {
		j.theirs = j.adapters.Metrics.Sampler(stable.Placement, measure)
		// Where stable has no traffic any more, what it did before stands for it. One that cannot be asked is none: then a comparison
		// does not pass.
		if before, err := j.theirs.Total(ctx); err == nil {
			j.judge.Baseline(before)
		}
		// Looking more often than the source has something new would see nothing again and again.
		if survey, err := j.adapters.Metrics.Survey(ctx, stable.Placement, measure); err == nil {
			j.interval = max(j.interval, survey.Resolution)
		}
	}
	// The first sample sets the marks; a source that does not answer yet is judged in the loop.
	if s := j.sample(ctx); ctx.Err() != nil {
		return fmt.Errorf("begin the analysis: %w", s.err)
	}
	j.sampled = time.Now()
	return nil
}

// step begins a step.
func (j *judge) step() {
	j.troubles.over()
	j.notes.step()
	if j.spec != nil {
		j.judge.Step()
		j.cold = j.spec.InitialDelay > 0
	}
}

// look looks once, at a candidate that has a weight: at its instances, and beside that at what they did, which a machine that is silent does not
// hide. enough: it may go on. trouble: why there is nothing to judge by, empty if there is. An error by against speaks against the candidate.
func (j *judge) look(ctx context.Context, at ledger.Progress) (enough bool, trouble string, err error) {
	sampling, cancel := context.WithCancel(ctx)
	defer cancel()
	var sampled func() samples
	if j.spec != nil {
		sampled = beside(func() samples { return j.sample(sampling) })
	}
	silent := j.watch.look(ctx)
	if silent != nil && (!isSilent(silent) || j.spec == nil) {
		return false, "", silent
	}
	if j.spec == nil {
		at.Text = fmt.Sprintf("%s at %d %%, its instances are up", j.candidate.ID, at.Weight)
		if j.watch.unseen != nil {
			at.Text = fmt.Sprintf("%s at %d %%: %s", j.candidate.ID, at.Weight, j.watch.unseen)
		}
		j.tell(at)
		return true, "", nil
	}
	enough, trouble, err = j.judged(ctx, at, sampled())
	if silent != nil && !isEvidence(err) {
		return false, "", silent
	}
	return enough, trouble, err
}

// judged judges by samples, where there are any.
func (j *judge) judged(ctx context.Context, at ledger.Progress, s samples) (enough bool, trouble string, err error) {
	if ctx.Err() != nil {
		return false, "", fmt.Errorf("judge %s at %d %%: %w", j.candidate.ID, at.Weight, ctx.Err())
	}
	if j.warmsUp(at, s.err) {
		return false, "its initial delay is not over", nil
	}
	if s.err != nil {
		kind := sourceFails
		if errors.Is(s.err, analysis.ErrNoData) {
			kind = noData
		}
		return j.blind(at, kind, s.err.Error())
	}
	took := s.at.Sub(j.sampled)
	j.sampled = s.at
	return j.weigh(at, s, took)
}

// warmsUp tells whether a look counts neither for nor against the candidate: one in the initial delay, also where the source gave
// nothing, and the first good one after it, which counts what was still of the delay. A guard looks later.
func (j *judge) warmsUp(at ledger.Progress, err error) bool {
	if !j.cold || at.Since.IsZero() {
		return false
	}
	over := j.now().Sub(at.Since) >= j.spec.InitialDelay.D()
	if over && err != nil {
		return false
	}
	j.cold = !over
	if err == nil {
		j.sampled = time.Now()
	}
	j.troubles.over()
	at.Text = fmt.Sprintf("%s at %d %%, not judged before %s are over", j.candidate.ID, at.Weight, j.spec.InitialDelay)
	if err != nil {
		at.Text += ": " + err.Error()
	}
	j.tell(at)
	return true
}

// weigh judges by what was counted.
func (j *judge) weigh(at ledger.Progress, s samples, took time.Duration) (enough bool, trouble string, err error) {
	verdict := j.judge.Look(s.look(took))
	j.last = verdict
	at.Text, at.Evidence = fmt.Sprintf("%s at %d %%: %s", j.candidate.ID, at.Weight, verdict.Reason), j.evidence()
	j.tell(at)
	if verdict.Decision == analysis.Restore {
		decisive := judged{Weight: at.Weight, At: j.now()}
		decisive.verdict(verdict)
		return false, "", &evidenceError{reason: verdict.Reason, evidence: j.evidence(), judgement: decisive.encoded()}
	}
	j.notes.look(j.note, at, verdict, "")
	if verdict.Shared {
		return j.troubles.now(j, sharedFault, verdict.Reason)
	}
	if kind, missing := missing(j.spec, s.ours.Missing); missing != "" {
		enough, trouble, err = j.troubles.now(j, kind, missing)
		// To go on without a number is not to go on without the others.
		return enough && (verdict.Unmeasured || verdict.Decision == analysis.Pass), trouble, err
	}
	j.troubles.over()
	if verdict.Decision == analysis.Pass {
		return true, "", nil
	}
	return false, verdict.Reason, nil
}
