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
	if moved := MovedPorts(state, request.Definition); moved != nil {
		return DefineOutcome{}, moved
	}
	if refused := p.RefuseExisting(state, request.Definition); refused != nil {
		return DefineOutcome{}, refused
	}
	var came string
	if inTheMiddle(state) {
		if err := w.recoverRedefined(ctx, request); err != nil {
			return DefineOutcome{}, err
		}
		came = w.cameOf(state)
		w.warn("Service Recovered", fmt.Sprintf("An earlier run on %s had ended in the middle: %s. Running now: %s.", p.id, came, w.running(ctx)))
	}
	outcome, err := w.define(ctx, request, state.Definition)
	return outcome, after(came, err)
}

// define is Define where nothing is in the middle any more. before is the definition that there was, nil for none.
func (w *work) define(ctx context.Context, request DefineRequest, before *service.Definition) (DefineOutcome, error) {
	if w.state().Unsettled() {
		// First, since it may have the places of what is to come. What cannot be done yet may be on a host that is taken out.
		_ = w.tidied(ctx)
	}
	owner := request.Owner
	if owner == "" {
		owner = uuid.NewString()
	}
	if err := w.procedure.ledger.Enlist(ctx); err != nil {
		return DefineOutcome{}, err
	}
	definition := request.Definition
	if err := w.dropUnsized(ctx, definition); err != nil {
		return DefineOutcome{}, err
	}
	if takesOver(w.state(), existingOf(before), definition) {
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
	if err := w.followDefinition(ctx); err != nil {
		return DefineOutcome{}, err
	}
	if w.state().Unsettled() {
		w.tidy(ctx)
	}
	w.deliverDue(ctx)
	return DefineOutcome{Owner: owner, Warnings: w.warnings}, nil
}

// followDefinition brings what runs to where the definition says.
func (w *work) followDefinition(ctx context.Context) error {
	if err := w.connect(); err != nil {
		return err
	}
	return w.resize(ctx)
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
	w.silence = silence{} // As in define.
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
