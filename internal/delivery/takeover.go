package delivery

import (
	"context"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// takesOver tells whether a definition names what runs already and is to become the first stable release.
func takesOver(d service.Definition) bool {
	return d.Platform.Host != nil && d.Platform.Host.Existing != nil
}

// takeOver makes what runs already the first stable release of a service that is new to the ledger. It touches nothing of it.
func (w *work) takeOver(ctx context.Context, definition service.Definition, owner string) error {
	adapters, err := w.procedure.run.connector.Adapters(definition)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", w.procedure.id, err)
	}
	survey, err := w.procedure.look(ctx, adapters, Remembered{Definition: definition, Owner: owner})
	if err != nil {
		return err
	}
	if err := w.takeable(ctx, adapters, survey); err != nil {
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
func (w *work) takeable(ctx context.Context, adapters Adapters, survey Survey) error {
	const title = "Nothing To Take Over"
	existing := "what platform.host.existing names"
	if survey.Stable == nil {
		return refuse(title, fmt.Sprintf("Of %s nothing runs: %s", w.procedure.id, existing), "Start it on every host; or remove `existing`, and the first release is installed.")
	}
	stable := *survey.Stable
	states, err := adapters.Platform.Inspect(ctx, stable.Placement)
	if err != nil {
		return err
	}
	wrong := slices.ContainsFunc(states, func(s service.InstanceState) bool { return s.Detail != "" })
	if snapshot := (service.Snapshot{Instances: states}); !snapshot.Complete(stable) || wrong {
		return refuse(title, fmt.Sprintf("Not all of %s runs: %s", stable.ID, describe(states)), "Mend what is named: all of it has to run, on the ports of its slot, before it can be what a restore goes back to.")
	}
	if adapters.Router == nil {
		return nil
	}
	if err := adapters.Router.Check(ctx, []service.Placement{stable.Placement}); err != nil {
		return refuse(title, fmt.Sprintf("The router is not ready to split the traffic of %s: %s", w.procedure.id, err), "Mend the router's configuration, and apply again.")
	}
	if weight := survey.Weights[stable.Placement.Slot]; weight != 100 {
		return refuse(title, fmt.Sprintf("%s, in slot %s, has %d %% of the traffic: %s", stable.ID, stable.Placement.Slot, weight, shares(survey.Weights)),
			"Give it all of the traffic first: the other slot's servers have the weight 0, or are disabled, until there is a release in it.")
	}
	return nil
}
