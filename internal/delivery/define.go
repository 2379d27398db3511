package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// DefineRequest creates or changes a service.
type DefineRequest struct {
	Definition service.Definition
	Create     bool
	// Owner is the resource's token, empty on create.
	Owner string
	// Arguments are the resource's, as its user wrote them.
	Arguments json.RawMessage
}

// DefineOutcome says who owns the service now.
type DefineOutcome struct {
	Owner    string
	Warnings []Warning
}

// Define records a service's definition; what an earlier run left in the middle is recovered first, whatever the
// definition now says.
func (p *Procedure) Define(ctx context.Context, request DefineRequest) (DefineOutcome, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return DefineOutcome{}, err
	}
	defer end()
	state := w.state()
	if adopted, err := ownership(p.id, state, request); adopted != nil || err != nil {
		return *orEmpty(adopted), err
	}
	if moved := MovedHosts(state, request.Definition); moved != nil {
		return DefineOutcome{}, moved
	}
	if refused := p.RefuseExisting(state, request.Definition); refused != nil {
		return DefineOutcome{}, refused
	}
	existing, before := existingOf(state.Definition), state.Definition
	if a := state.OpenAttempt(); state.Broken != nil || a != nil && a.Busy() {
		if err := w.recoverRedefined(ctx, request); err != nil {
			return DefineOutcome{}, err
		}
		came := w.lastEnd()
		if state.Broken != nil {
			came = fmt.Sprintf("the restore of attempt %d, which had failed, is finished now", state.Broken.Attempt)
		}
		w.warn("Service Recovered", fmt.Sprintf("An earlier run on %s had ended in the middle: %s. Running now: %s.", p.id, came, w.running(ctx)))
	}
	if w.state().Untidied() != nil {
		// First, since it may have the places of what is to come. What cannot be done yet may be on a host that is taken out.
		_ = w.tidied(ctx)
	}
	owner := request.Owner
	if owner == "" {
		owner = uuid.NewString()
	}
	if err := p.ledger.Enlist(ctx); err != nil {
		return DefineOutcome{}, err
	}
	definition := request.Definition
	if err := w.dropUnsized(ctx, definition); err != nil {
		return DefineOutcome{}, err
	}
	if takesOver(w.state(), existing, definition) {
		if err := w.takeOver(ctx, definition, owner); err != nil {
			return DefineOutcome{}, err
		}
	}
	if err := w.append(ctx, ledger.Event{Type: ledger.ServiceDefined, Definition: &definition, Arguments: request.Arguments, Owner: owner, Text: "the service is defined"}); err != nil {
		return DefineOutcome{}, err
	}
	if before != nil && !reflect.DeepEqual(*before, definition) {
		w.silence = silence{} // A host that did not answer may be reached in another way now.
	}
	if err := w.followDefinition(ctx, definedHosts(before)); err != nil {
		return DefineOutcome{}, err
	}
	if w.state().Untidied() != nil {
		w.tidy(ctx)
	}
	w.deliverDue(ctx)
	return DefineOutcome{Owner: owner, Warnings: w.warnings}, nil
}

// followDefinition brings what runs to where the definition says. had are the hosts of the one before.
func (w *work) followDefinition(ctx context.Context, had []string) error {
	if err := w.connect(); err != nil {
		return err
	}
	return w.resize(ctx, had)
}

// recoverRedefined recovers by the definition that the ledger has, and where that fails by the one that is wanted: a wrong address in
// the old one may be what stands in the way. Hosts that are taken out are not waited for.
func (w *work) recoverRedefined(ctx context.Context, request DefineRequest) error {
	state := w.state()
	var first error
	if left := definedHosts(&request.Definition); !slices.ContainsFunc(definedHosts(state.Definition), func(h string) bool { return !slices.Contains(left, h) }) {
		first = w.recover(ctx)
		state = w.state()
		if first == nil || reflect.DeepEqual(*state.Definition, request.Definition) {
			return first
		}
	}
	definition := request.Definition
	// What may be on hosts that go is only removed after the recovery, which brings the traffic back.
	if err := w.recordUnsized(ctx, definition); err != nil {
		return errors.Join(first, err)
	}
	if err := w.append(ctx, ledger.Event{Type: ledger.ServiceDefined, Definition: &definition, Owner: state.Owner, Arguments: request.Arguments, Text: "the service is defined anew, to recover it"}); err != nil {
		return errors.Join(first, err)
	}
	if err := w.connect(); err != nil {
		return errors.Join(first, err)
	}
	return w.recover(ctx)
}

// ownership refuses a service that another resource or configuration owns, and adopts one whose create succeeded
// while only the answer was lost.
func ownership(id service.ID, state *ledger.State, request DefineRequest) (*DefineOutcome, error) {
	if state.Definition == nil || state.Retired || state.Owner == "" || state.Owner == request.Owner {
		return nil, nil
	}
	if request.Create && state.DefinitionLost() {
		return &DefineOutcome{Owner: state.Owner}, nil
	}
	return nil, refuse("Service Already Managed", fmt.Sprintf("%s is managed by another resource or configuration", id),
		fmt.Sprintf("Import it: `terraform import deploy_service.<name> %s`; remove it from the other configuration first; or choose another name or environment.", id))
}

func orEmpty(o *DefineOutcome) *DefineOutcome {
	if o == nil {
		return &DefineOutcome{}
	}
	return o
}

// Retire ends the management of a service; its ledger stays.
func (p *Procedure) Retire(ctx context.Context, owner string) error {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return err
	}
	defer end()
	state := w.state()
	if state.Definition == nil || state.Retired {
		return nil
	}
	if owner != "" && owner != state.Owner {
		return refuse("Already Managed", fmt.Sprintf("%s is managed by another resource or configuration", p.id),
			"Remove it from this state alone: `terraform state rm`.")
	}
	if state.Broken != nil {
		return brokenError(p.id, state)
	}
	if state.Stable != "" || state.OpenAttempt() != nil {
		return refuse("Service In Use", fmt.Sprintf("A release of %s still runs: %s", p.id, w.running(ctx)),
			"Destroy its deploy_release first, with deletion_protection = false.")
	}
	return w.append(ctx, ledger.Event{Type: ledger.ServiceRetired, Text: "the service is retired"})
}

// Forget removes a stage that changes nothing by being removed: its passages are forgotten.
func (p *Procedure) Forget(ctx context.Context, stage service.Stage, owner string) error {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return err
	}
	defer end()
	if w.state().Definition == nil {
		return nil
	}
	if err := w.mayDelete(stage, owner); err != nil {
		return err
	}
	return w.append(ctx, ledger.Event{Type: ledger.StageForgotten, Stage: stage})
}

// mayDelete refuses to end a stage that another resource owns by now. An owner that is not known (an old state) may.
func (w *work) mayDelete(stage service.Stage, owner string) error {
	p := w.state().Standing(stage, 0, w.now())
	if owner == "" || p == nil || p.Owner == "" || p.Owner == owner {
		return nil
	}
	return refuse("Already Managed", fmt.Sprintf("The %s of %s is managed by another resource or configuration", stageWords(stage), w.procedure.id),
		"Remove it from this state alone: `terraform state rm`.")
}

// Withdraw removes a traffic split: a candidate goes back to 0 % first.
func (p *Procedure) Withdraw(ctx context.Context, owner string) error {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return err
	}
	defer end()
	state := w.state()
	if state.Definition == nil {
		return nil
	}
	if err := w.mayDelete(service.StageTrafficSplit, owner); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	state = w.state()
	stable := state.StableRelease()
	if a := state.OpenAttempt(); a != nil && a.Executing && stable != nil && stable.ID != a.Release && w.adapters.Router != nil {
		if err := w.serves(ctx, *stable); err != nil {
			return refuse("Stable Not Healthy", fmt.Sprintf("The traffic of %s cannot go back to %s: %s", p.id, stable.ID, err), "Mend the stable release, or keep the split.")
		}
		if err := w.setWeights(ctx, a.Number, alone(stable.Placement.Slot)); err != nil {
			return err
		}
		zero := 0
		if err := w.append(ctx, ledger.Event{Type: ledger.WeightReached, Attempt: a.Number, Release: a.Release, Weight: &zero, Text: "the split was removed: the candidate has no traffic"}); err != nil {
			return err
		}
	}
	return w.append(ctx, ledger.Event{Type: ledger.StageForgotten, Stage: service.StageTrafficSplit})
}

// StopRelease removes all that runs of a service.
func (p *Procedure) StopRelease(ctx context.Context, owner string) error {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return err
	}
	defer end()
	state := w.state()
	if state.Definition == nil {
		return nil
	}
	if err := w.mayDelete(service.StageRelease, owner); err != nil {
		return err
	}
	// Begun, it is brought to its end: half of a service is nothing that anybody wants.
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	if a := state.OpenAttempt(); state.Broken != nil || a != nil && a.Busy() {
		if err := w.recover(ctx); err != nil {
			return err
		}
		state = w.state()
	}
	for _, r := range state.Releases {
		if !r.Placement.Placed() {
			continue
		}
		if err := w.remove(ctx, state.LastAttempt, r); err != nil {
			return err
		}
	}
	return w.append(ctx, ledger.Event{Type: ledger.ServiceStopped, Text: "all releases were stopped and removed"})
}

// ChangeArguments records other arguments of a stage whose release does not change: nothing is deployed.
func (p *Procedure) ChangeArguments(ctx context.Context, stage service.Stage, request Request, spec any, exports Exports) (Outcome, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer end()
	if err := w.refuseAfterRecovery(ctx); err != nil {
		return Outcome{}, err
	}
	s := &stageWork{work: w, stage: stage, request: request, exports: exports}
	view := ledger.View{State: *w.state(), Now: w.now(), Alive: true}
	if err := s.guard(view); err != nil {
		return Outcome{}, err
	}
	passage := view.Standing(stage)
	if passage == nil || passage.Release != request.Release {
		return Outcome{}, changedSincePlan(fmt.Sprintf("%s does not stand in the stage %s any more", request.Release, stage))
	}
	s.number = passage.Attempt
	if err := s.encodeSpec(spec); err != nil {
		return Outcome{}, err
	}
	s.validFor = passage.ValidFor
	changed := s.passage()
	changed.At = passage.At
	if err := w.append(ctx, ledger.Event{Type: ledger.ArgumentsChanged, Attempt: s.number, Stage: stage, Release: request.Release, Passage: changed}); err != nil {
		return Outcome{}, err
	}
	if release, ok := spec.(ReleaseSpec); ok {
		if err := s.changeHealth(ctx, release); err != nil {
			return Outcome{}, err
		}
	}
	return s.outcome(), nil
}

// changeHealth records how the standing release is probed from now on.
func (s *stageWork) changeHealth(ctx context.Context, spec ReleaseSpec) error {
	record := s.recorded(s.current())
	if record == nil {
		return nil
	}
	record.Health = spec.Health
	return s.append(ctx, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: s.number, Release: record.ID, Record: record})
}
