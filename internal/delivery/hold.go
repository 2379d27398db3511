package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// stay is how long a judge stays at a weight.
type stay struct {
	Step
	// advance says when it ends; empty is AfterPause.
	advance Advance
	// checks are repeated meanwhile; nil: none.
	checks *repeatedChecks
}

// hold stays at a step: at least for its pause, and until enough was seen; a candidate that is worse than allowed, or
// that dies, ends it at once.
func (j *judge) hold(ctx context.Context, s stay) error {
	j.step()
	maxPause := time.Duration(0)
	if j.spec != nil {
		maxPause = max(j.spec.MaxPause.D(), s.Pause.D())
	}
	began := time.Now()
	at := ledger.Progress{Weight: s.Weight, Since: j.now(), Until: j.now().Add(s.Pause.D())}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	checked, checking := s.checks.start(ctx), s.checks != nil
	looks := newSchedule(j.interval)
	defer looks.timer.Stop()
	if j.spec == nil {
		looks.endWith(began.Add(s.Pause.D()))
	}
	var round time.Time
	trouble, enough := "", false
	for {
		over := time.Since(began) >= s.Pause.D()
		switch {
		case checking:
			// What a round of checks finds that has begun is waited for, that of the first one in any case.
		case j.watch.unseen != nil:
			// A step does not end with instances that could not be seen: the next looks tell what became of them.
		case over && j.spec == nil && looks.done:
			return nil
		case over && j.spec == nil:
			// One more look, at the end of the pause: one that dies as it gets its weight passes nowhere.
		case enough && (over || s.advance == WhenConfident && j.spec != nil && trouble == ""):
			j.notes.last(j.note)
			return nil
		case over && time.Since(began) >= maxPause:
			j.notes.last(j.note)
			return j.inconclusive(s.Step, trouble, time.Since(began))
		}
		var err error
		select {
		case <-ctx.Done():
			return fmt.Errorf("judge %s at %d %%: %w", j.candidate.ID, s.Weight, ctx.Err())
		case passed := <-checked:
			if passed.failed != nil {
				if err := j.believe(ctx, at, passed.failed, round); err != nil {
					return err
				}
				continue // The round is repeated, and a step does not end before.
			}
			if checking, round = passed.begins, time.Now(); j.spec != nil {
				j.judge.Vouch(passed.count)
			}
			continue
		case <-looks.timer.C:
			if looks.done && !checking && j.watch.unseen == nil {
				continue // the pause is over
			}
			looks.begin()
			enough, trouble, err = j.look(ctx, at)
			looks.end()
		}
		if err != nil {
			return err
		}
	}
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
