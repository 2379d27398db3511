package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// warnRouter tells that no release could be split now by the router that the plan defines, and what else there is to know of it, such as what
// a reload would lose: this is the plan in which that is decided. One that is recorded already is looked at by the stages that use it.
func (r *serviceResource) warnRouter(ctx context.Context, definition service.Definition, view ledger.View, diags *diag.Diagnostics) {
	if definition.Router == nil || r.engine.Credentials() == nil || sameRouting(definition, view.State) {
		return
	}
	run, err := r.engine.Run()
	if err != nil {
		return
	}
	survey, err := run.Service(definition.ID).SurveyDefinedRouter(ctx, definition, view)
	if survey.Unready != nil {
		diags.AddAttributeWarning(attributeOf(survey.Unready), "Router Not Ready", fmt.Sprintf("The router of %s, as this plan defines it, could not split the traffic of a release now. An apply records the definition, and begins no release until it could: %s",
			definition.ID, survey.Unready))
	}
	if err != nil {
		return // What is wrong with the definition is said at its attribute.
	}
	for _, text := range survey.News {
		diags.AddWarning("Router Needs Attention", text)
	}
}

// attributeOf is the attribute that an error is about: the router's, where it names no other.
func attributeOf(err error) path.Path {
	var problem service.Problem
	if !errors.As(err, &problem) || len(problem.Path) == 0 {
		return path.Root("router")
	}
	at := path.Root(problem.Path[0])
	for _, step := range problem.Path[1:] {
		at = at.AtName(step)
	}
	return at
}

// sameRouting tells whether the router, and what it splits between, are as they are recorded.
func sameRouting(wanted service.Definition, state ledger.State) bool {
	if state.Definition == nil || state.Retired {
		return false
	}
	type routing struct {
		Router   *service.Router
		Platform service.Platform
	}
	before, err := json.Marshal(routing{state.Definition.Router, state.Definition.Platform})
	if err != nil {
		return false
	}
	after, err := json.Marshal(routing{wanted.Router, wanted.Platform})
	return err == nil && bytes.Equal(before, after)
}
