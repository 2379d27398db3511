package delivery

import (
	"context"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// existingOf is what a definition names of what runs already: the unit and its slot. Nil: nothing.
func existingOf(d *service.Definition) *service.ExistingUnit {
	if d == nil || d.Platform.Host == nil || d.Platform.Host.Existing == nil {
		return nil
	}
	e := *d.Platform.Host.Existing
	e.Version = "" // What it is called changes nothing of what it is.
	return &e
}

func sameExisting(a, b *service.ExistingUnit) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// RefuseExisting refuses what a definition makes of a unit that runs already: one that is named when there are releases, of which it
// cannot be the first any more; and one that is named no more, or otherwise, while it is a release that is stable or kept ready. nil: it may.
func (p *Procedure) RefuseExisting(state *ledger.State, wanted service.Definition) *Error {
	before, after := existingOf(state.Definition), existingOf(&wanted)
	there := remaining(state)
	a := state.OpenAttempt()
	if sameExisting(before, after) || len(there) == 0 && (a == nil || a.Busy()) {
		return nil
	}
	if before != nil {
		if adapters, err := p.run.connector.Adapters(wanted); err == nil { // What is wrong with the definition is said elsewhere.
			for _, r := range there {
				if _, err := adapters.Platform.Placement(r, r.Placement.Slot); err != nil {
					return atExisting(refuse("Existing Unit In Use", err.Error(), fmt.Sprintf("Keep `existing` with the unit %s and the slot %s. "+
						"It is let go with the second release after it, and can be removed then.", before.Unit, before.Slot)))
				}
			}
		}
	}
	if after == nil {
		return nil
	}
	runs := "a release of it is being introduced"
	if len(there) > 0 {
		runs = fmt.Sprintf("it has %s", there[0].ID)
	}
	return atExisting(refuse("Existing Unit Not Taken Over",
		fmt.Sprintf("The unit %s can only become the first release of %s, and %s already", after.Unit, p.id, runs),
		"Remove `existing`; or destroy the deploy_release first, with deletion_protection = false, and start the unit."))
}

func atExisting(e *Error) *Error {
	e.Path = []string{"platform", "host", "existing"}
	return e
}

// takesOver tells whether a definition names what runs already and is to become the first stable release: there is none, and it was
// not asked before. before is what the definition named that was there when the work on it began.
func takesOver(state *ledger.State, before *service.ExistingUnit, wanted service.Definition) bool {
	after := existingOf(&wanted)
	return after != nil && state.Stable == "" && len(state.Releases) == 0 && state.OpenAttempt() == nil &&
		(state.LastAttempt == 0 || state.Retired || !sameExisting(before, after))
}

// takeOver makes what runs already the first stable release of a service. It touches nothing of it.
func (w *work) takeOver(ctx context.Context, definition service.Definition, owner string) error {
	adapters, err := w.procedure.run.connector.Adapters(definition)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", w.procedure.id, err)
	}
	w.adapters = adapters
	survey, err := w.procedure.look(ctx, adapters, Remembered{Definition: definition, Owner: owner})
	if err != nil {
		return err
	}
	if err := w.takeable(ctx, definition, survey); err != nil {
		return err
	}
	text := fmt.Sprintf("the service is taken over as it runs: %s", survey)
	if err := w.append(ctx, ledger.Event{
		Type: ledger.Adopted, Definition: &definition, Owner: owner, Adoption: survey.adoption(Remembered{Owner: owner}), Text: text,
	}); err != nil {
		return err
	}
	w.warn("Service Taken Over", fmt.Sprintf("What runs of %s already is its first stable release, and was not touched: %s.", w.procedure.id, survey))
	return nil
}

// takeable refuses to take over what a restore could not go back to.
func (w *work) takeable(ctx context.Context, definition service.Definition, survey Survey) error {
	const title = "Nothing To Take Over"
	if survey.Stable == nil {
		states, err := w.adapters.Platform.Existing(ctx)
		if err != nil {
			return err
		}
		e := refuse(title, fmt.Sprintf("The unit %s, which platform.host.existing names, does not run: %s", existingOf(&definition).Unit, describe(states)),
			"Start it on every host, on the ports of its slot, or correct its name; or remove `existing`, and the first release is installed.")
		return atExisting(e)
	}
	stable := *survey.Stable
	states, err := w.adapters.Platform.Inspect(ctx, stable.Placement)
	if err != nil {
		return err
	}
	const remedy = "Mend what is named: all of it has to run, on the ports of its slot, before it can be what a restore goes back to."
	// That it was started again, whenever that was, says nothing of how it runs now.
	wrong := slices.ContainsFunc(states, func(s service.InstanceState) bool { return s.Detail != "" && s.Restarts == 0 })
	if snapshot := (service.Snapshot{Instances: states}); !snapshot.Complete(stable) || wrong {
		return atExisting(refuse(title, fmt.Sprintf("%s does not run everywhere as it has to: %s", stable.ID, describe(states)), remedy))
	}
	if err := w.probeOnce(ctx, stable); err != nil {
		return atExisting(refuse(title, fmt.Sprintf("%s runs, and does not answer: %s", stable.ID, err), remedy))
	}
	if w.adapters.Router == nil {
		return nil
	}
	err = w.adapters.Router.Check(ctx, w.adapters.routed([]service.Placement{stable.Placement}))
	if err == nil {
		err = w.adapters.Router.Probe(ctx)
	}
	if err != nil {
		return refuse(title, fmt.Sprintf("The router is not ready to split the traffic of %s: %s", w.procedure.id, err), "Mend the router's configuration, and apply again.")
	}
	if weight := survey.Weights[stable.Placement.Slot]; weight != 100 {
		return refuse(title, fmt.Sprintf("%s, in slot %s, has %d %% of the traffic: %s", stable.ID, stable.Placement.Slot, weight, shares(survey.Weights)),
			"Give it all of the traffic first: the other slot's servers have the weight 0, or are disabled, until there is a release in it.")
	}
	return nil
}
