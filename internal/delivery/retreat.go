package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// retreat is how an operator goes back: what is taken out, and what carries the traffic again.
type retreat struct {
	// takeOut is the open attempt that ends, nil for none.
	takeOut *ledger.Attempt
	// from and to: the kept release that takes stable's place; empty where taking the candidate out is all.
	from, to service.ReleaseID
}

// decideRollback says what a rollback to a release, or to the one before, comes to.
func (p *Procedure) decideRollback(state *ledger.State, to service.ReleaseID) (retreat, error) {
	r := retreat{takeOut: state.OpenAttempt()}
	if r.takeOut != nil && (to == "" || to == state.Stable) {
		return r, nil
	}
	if to != "" && to == state.Stable {
		return r, nil
	}
	if to == "" && len(state.Kept) > 0 {
		to = state.Kept[0]
	}
	if to == "" || !slices.Contains(state.Kept, to) {
		return r, refuse("Nothing To Roll Back To", fmt.Sprintf("%s keeps no release ready%s", p.id, namedOf(to, state)),
			fmt.Sprintf("See `%s history %s` for what ran, and release it again by its HCL.", operatorBinary, p.id))
	}
	r.from, r.to = state.Stable, to
	return r, nil
}

// namedOf names the release that was asked for, and what is kept ready instead; empty where none was asked for.
func namedOf(r service.ReleaseID, state *ledger.State) string {
	if r == "" {
		return ""
	}
	names := make([]string, len(state.Kept))
	for i, kept := range state.Kept {
		names[i] = string(kept)
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return fmt.Sprintf(" by the name %s; it keeps %s", r, strings.Join(names, ", "))
}

// words says what is about to be done.
func (r retreat) words(state *ledger.State) string {
	var parts []string
	if r.takeOut != nil {
		parts = append(parts, fmt.Sprintf("the introduction of %s ends, it is taken out and held", r.takeOut.Release))
	}
	switch {
	case r.to != "":
		parts = append(parts, fmt.Sprintf("%s gets all of the traffic at once, %s is taken out and held", r.to, r.from))
	case state.Stable != "":
		parts = append(parts, fmt.Sprintf("%s has all of the traffic", state.Stable))
	default:
		parts = append(parts, "nothing runs then")
	}
	return strings.Join(parts, "; ")
}

// RollbackPlan says what Rollback is about to do. It changes nothing.
func (p *Procedure) RollbackPlan(ctx context.Context, to service.ReleaseID) (string, error) {
	view, err := p.readDefined(ctx)
	if err != nil {
		return "", err
	}
	state := &view.State
	if a := view.Interrupted(); a != nil {
		first := fmt.Sprintf("attempt %d of %s, which was interrupted, is ended: it is taken out and held", a.Number, a.Release)
		switch {
		case view.Finishing() != nil && a.Unfinished != "":
			first = fmt.Sprintf("the rollback to %s is finished, if what was in its way is mended (%s)", a.Release, a.Unfinished)
		case a.Unfinished != "":
			first = fmt.Sprintf("that %s is taken out is finished, if what was in its way is mended (%s)", a.Release, a.Unfinished)
		case a.Mode == service.ModeRollback:
			first = fmt.Sprintf("the rollback to %s, which was interrupted, is finished", a.Release)
		}
		if to == "" {
			return first, nil
		}
		if a.Unfinished != "" {
			return first + "; only then back to " + string(to), nil
		}
		return first + "; then back to " + string(to), nil
	}
	if done := cutShort(view.WithLostRun()); done != nil && to == "" {
		return fmt.Sprintf("nothing more is rolled back: %s carries the traffic, by a command that was cut short right after; what it left is tidied away", done.Release), nil
	}
	r, err := p.decideRollback(state, to)
	if err != nil {
		return "", err
	}
	return r.words(state), nil
}
