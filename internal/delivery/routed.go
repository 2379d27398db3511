package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// routed is what a router is to split between: placements, and for each slot that none of them is in, where the platform would put a
// release there. So what is missing for the release after this one is said with what is missing for this one.
func (a Adapters) routed(placements []service.Placement) []service.Placement {
	all := slices.Clone(placements)
	for _, slot := range a.Platform.Slots() {
		if slices.ContainsFunc(placements, func(p service.Placement) bool { return p.Slot == slot }) {
			continue
		}
		if p, err := a.Platform.Placement(service.Release{}, slot); err == nil { // what is wrong with a slot is said where a release comes to it
			all = append(all, p)
		}
	}
	return all
}

// routerMostlySplits is routerSplits for a rollback, where parts of the router that do not answer keep nobody from it. Without a router there
// is nothing to ask.
func (w *work) routerMostlySplits(ctx context.Context, releases ...service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	err := w.routerSplits(ctx, releases...)
	if silent := (*SilentParts)(nil); errors.As(err, &silent) {
		return nil
	}
	return err
}

// weightOf is a slot's share of the traffic in whole percent, by a router that answers soon.
func (w *work) weightOf(ctx context.Context, slot string) (int, error) {
	weights, err := w.weightsSeen(ctx)
	return weights[slot], err
}

// weightsSeen are the weights, by a router that answers soon.
func (w *work) weightsSeen(ctx context.Context) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenTimeout)
	defer cancel()
	weights, err := w.adapters.Router.Weights(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the weights: %w", err)
	}
	return weights, nil
}

// RouterSurvey is what there is to say, for a plan, of a router that a definition changes.
type RouterSurvey struct {
	// Unready is why no release could be split by it now; nil: it could.
	Unready error
	// News are the warnings of the router (Router.Warnings) that the one of the recorded definition does not have; all where it has no router.
	News []string
}

// SurveyDefinedRouter asks the router of a definition that is not recorded yet whether it could split between what runs by view and what is
// to come: once, for a few seconds at most. It takes no lease and changes nothing. An error says that the definition has no router that
// can be asked.
func (p *Procedure) SurveyDefinedRouter(ctx context.Context, definition service.Definition, view ledger.View) (survey RouterSurvey, err error) {
	adapters, err := p.run.connector.Adapters(definition)
	if err != nil {
		return survey, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	if adapters.Router == nil {
		return survey, nil
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	var placements []service.Placement
	for _, r := range []*service.Release{view.State.StableRelease(), view.State.Candidate()} {
		if r != nil && r.Placement.Placed() {
			placements = append(placements, resized(adapters.Platform, *r, definition))
		}
	}
	// Also of a router that is not ready: what it would lose belongs to the decision how it is to be.
	survey.Unready = adapters.Router.Check(ctx, adapters.routed(placements))
	if strangers := (*Strangers)(nil); view.State.StableRelease() != nil && errors.As(survey.Unready, &strangers) {
		survey.Unready = nil // a host that this plan removes has them as well
	}
	if survey.Unready == nil {
		survey.Unready = adapters.Router.Probe(ctx)
	}
	warnings, err := adapters.Router.Warnings(ctx)
	if err != nil && survey.Unready == nil {
		return survey, fmt.Errorf("look at the router of %s: %w", p.id, err)
	}
	known, _ := p.SurveyRouter(ctx, view) // what cannot be asked any more has said nothing
	survey.News = slices.DeleteFunc(warnings, func(text string) bool { return slices.Contains(known, text) })
	return survey, nil
}

// resized is where a release will be by a definition: without the hosts that it has no more, and on those that were added.
func resized(platform Platform, r service.Release, definition service.Definition) service.Placement {
	hosts := definedHosts(&definition)
	wanted, err := platform.Placement(r, r.Placement.Slot)
	if err != nil || len(hosts) == 0 {
		return r.Placement
	}
	there, p := hostsOf(r.Placement), r.Placement
	p.Instances = slices.DeleteFunc(slices.Clone(p.Instances), func(i service.Instance) bool { return i.Host != "" && !slices.Contains(hosts, i.Host) })
	for _, i := range wanted.Instances {
		if !slices.Contains(there, i.Host) {
			p.Instances = append(p.Instances, i)
		}
	}
	return p
}
