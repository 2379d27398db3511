package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// repeatedChecks are run again and again while a candidate is at a step: where traffic is too little to tell anything, they are what
// there is.
type repeatedChecks struct {
	interval time.Duration
	// run runs all of them once. failed speaks against the release.
	run func(ctx context.Context) (passed int, failed *evidenceError, err error)
}

// checked says that a round begins, or what it came to.
type checked struct {
	begins bool
	count  int
	failed error
}

// usualCheckInterval is how often checks are repeated where nothing is said.
const usualCheckInterval = 10 * time.Second

// repeated makes the checks of a split; nil: it has none.
func (p *Procedure) repeated(spec SplitSpec, adapters Adapters, release service.Release) *repeatedChecks {
	if len(spec.Checks) == 0 {
		return nil
	}
	return &repeatedChecks{
		interval: positive(spec.CheckInterval.D(), usualCheckInterval),
		run: func(ctx context.Context) (int, *evidenceError, error) {
			results, failed, err := p.check(ctx, spec.Checks, adapters, release)
			return len(results), failed, err
		},
	}
}

// start runs the checks at once and then every interval until ctx ends, apart from the looks, which must not wait for a slow check. A
// round begins when its reader knows of it.
func (r *repeatedChecks) start(ctx context.Context) <-chan checked {
	if r == nil {
		return nil
	}
	rounds := make(chan checked)
	tell := func(c checked) bool {
		select {
		case rounds <- c:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		for tell(checked{begins: true}) {
			round := r.once(ctx)
			if !tell(round) {
				return
			}
			pause := r.interval
			if round.failed != nil {
				pause = min(pause, usualCheckInterval) // It was not believed, and the step waits for the next one.
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		}
	}()
	return rounds
}

// believe is what becomes of a round of checks that began then and failed: evidence, unless a machine is silent, or has been since. That
// says nothing about the release, and the round is repeated (nil). So all machines are looked at first.
func (j *judge) believe(ctx context.Context, at ledger.Progress, failed error, began time.Time) error {
	if !isEvidence(failed) {
		return failed
	}
	err := j.lookThrough(ctx, at, nil)
	switch {
	case isEvidence(err) || isSilent(err) || ctx.Err() != nil:
		return err
	case j.watch.silentAt.Before(began):
		return failed
	}
	at.Text = fmt.Sprintf("%s at %d %%: %s, while a machine was silent: they are repeated", j.candidate.ID, at.Weight, failed)
	j.tell(at)
	return nil
}

// once runs one round. A check that breaks down is a fault of the stage, not the end of the process.
func (r *repeatedChecks) once(ctx context.Context) (round checked) {
	defer func() {
		if broken := recover(); broken != nil {
			round = checked{failed: fmt.Errorf("a check broke down, which is a defect of the provider: %v", broken)}
		}
	}()
	passed, failed, err := r.run(ctx)
	switch {
	case err != nil:
		return checked{failed: err}
	case failed != nil:
		return checked{failed: failed}
	}
	return checked{count: passed}
}
