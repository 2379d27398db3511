package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// Looks beside something else that one waits for.

// lookThrough looks until every machine has been seen since, or is silent, and meanwhile is over; nil: that alone. It judges as often as is due:
// what one waits for hides nothing. An error is that of a look.
func (j *judge) lookThrough(ctx context.Context, at ledger.Progress, meanwhile <-chan struct{}) error {
	j.watch.anew()
	for {
		if err := j.lookWhenDue(ctx, at); err != nil {
			return err
		}
		switch {
		case j.watch.late:
			continue // The look has waited for it already, and the next one does.
		case meanwhile == nil:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("look at %s: %w", j.candidate.ID, ctx.Err())
		case <-meanwhile:
			return nil
		case <-time.After(lookInterval):
		}
	}
}

// lookWhenDue looks, and judges where it is due. A candidate without traffic has nothing to be judged by.
func (j *judge) lookWhenDue(ctx context.Context, at ledger.Progress) error {
	if j.spec == nil || at.Weight == 0 || time.Since(j.sampled) < j.interval {
		return j.watch.look(ctx)
	}
	_, _, err := j.look(ctx, at)
	return err
}

// lookAgain judges once more what was done since it was judged, if that is as long as it takes to notice.
func (j *judge) lookAgain(ctx context.Context, at ledger.Progress) error {
	if j.spec == nil || at.Weight == 0 || time.Since(j.sampled) < lookInterval {
		return nil
	}
	_, _, err := j.look(ctx, at)
	return err
}
