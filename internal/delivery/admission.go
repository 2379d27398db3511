package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// admission is what has to hold before a run takes a lease.
type admission struct {
	// known: the service has to be there.
	known bool
	// anywhere: it works on the record alone, and need not reach what runs.
	anywhere bool
}

// admit asks before the lease is taken, so that who is refused leaves nothing behind; and Procedure.hold once more with the lease in
// hand, for what the run before has placed while this one waited for it.
func (p *Procedure) admit(ctx context.Context, a admission) error {
	view, err := p.ledger.Read(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the ledger of %s: %w", p.id, err)
	case a.known && view.State.Definition == nil:
		return p.notFound()
	case a.anywhere:
		return nil
	}
	return p.inReach(ctx, &view.State)
}

// InReach refuses a service that cannot be worked on from here, before anybody is asked whether to.
func (p *Procedure) InReach(ctx context.Context) error {
	_, err := p.readDefined(ctx)
	return err
}

// inReach refuses to work on a service from where what runs of it cannot be reached: there all of it would look gone, and what
// stands in its place would be started anew where nobody asks it. What is merely down, or does not answer, is in reach.
func (p *Procedure) inReach(ctx context.Context, state *ledger.State) error {
	if state.Definition == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, seenTimeout)
	defer cancel()
	adapters, err := p.run.connector.Adapters(*state.Definition)
	if err != nil {
		return nil //nolint:nilerr // connect says it, where a wrong definition can be mended
	}
	at := []service.ReleaseID{state.Stable}
	if a := state.OpenAttempt(); a != nil {
		at = append(at, a.Release)
	}
	if state.Broken != nil {
		if a := state.Attempt(state.Broken.Attempt); a != nil {
			at = append(at, a.Release)
		}
	}
	for _, id := range at {
		r, found := state.Releases[id]
		if !found || !r.Placement.Placed() {
			continue
		}
		var out *OutOfReach
		if err := adapters.Platform.Reach(ctx, r.Placement); errors.As(err, &out) {
			e := refuse("Service Out Of Reach", fmt.Sprintf("%s cannot be worked on from here: %s", r.ID, out.Why), out.Next)
			e.Err = err
			return e
		}
	}
	return nil
}
