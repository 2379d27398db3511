package artifact

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type requireModel struct {
	PassedIn types.Object `tfsdk:"passed_in"`
}

type passedInModel struct {
	Service types.String `tfsdk:"service"`
	MinAge  types.String `tfsdk:"min_age"`
}

var passedInPath = path.Root("require").AtName("passed_in")

func (m model) passedIn(ctx context.Context, diags *diag.Diagnostics) (passedInModel, bool) {
	require, found := plain.Object[requireModel](ctx, m.Require, diags)
	if !found {
		return passedInModel{}, false
	}
	return plain.Object[passedInModel](ctx, require.PassedIn, diags)
}

// require sees to it that the artifact has been through what it must have been through. What stands in the service itself
// has shown its papers before.
func (d *artifactData) require(ctx context.Context, m model, diags *diag.Diagnostics) {
	passed, found := m.passedIn(ctx, diags)
	if !found || diags.HasError() {
		return
	}
	digest := m.Digest.ValueString()
	if known(m.Service) {
		view, ok := d.view(ctx, service.ID(m.Service.ValueString()), path.Root("service"), diags)
		if !ok {
			return
		}
		if stands(view.State, digest) {
			return
		}
	}
	minAge := duration.ToDuration(passed.MinAge, 0, passedInPath.AtName("min_age"), diags).D()
	id := service.ID(passed.Service.ValueString())
	view, ok := d.view(ctx, id, passedInPath.AtName("service"), diags)
	if !ok || diags.HasError() {
		return
	}
	if reason := missing(view, id, digest, minAge); reason != "" {
		diags.AddAttributeError(passedInPath, "Artifact Not Approved", reason)
	}
}

// view of a service's ledger.
func (d *artifactData) view(ctx context.Context, id service.ID, at path.Path, diags *diag.Diagnostics) (ledger.View, bool) {
	run, err := d.engine.Run()
	if err == nil {
		var view ledger.View
		if view, err = run.Service(id).Read(ctx); err == nil {
			return view, true
		}
	}
	diags.AddAttributeError(at, "Ledger Not Readable", diagnostics.Sentence(fmt.Sprintf("read the ledger of %s: %s", id, err)))
	return ledger.View{}, false
}

// recorded tells whether the service's ledger knows a release with this digest.
func (d *artifactData) recorded(ctx context.Context, m model, digest string, diags *diag.Diagnostics) bool {
	if !known(m.Service) {
		return false
	}
	view, ok := d.view(ctx, service.ID(m.Service.ValueString()), path.Root("service"), diags)
	if !ok {
		return false
	}
	for _, r := range view.State.Releases {
		if digestOf(r) == digest {
			return true
		}
	}
	return false
}

func digestOf(r service.Release) string {
	ref, err := service.ParseReference(r.Content.Artifact)
	if err != nil {
		return ""
	}
	return ref.Digest
}

// stands tells whether the stable release, or the one that is being introduced, has this digest.
func stands(state ledger.State, digest string) bool {
	if stable := state.StableRelease(); stable != nil && digestOf(*stable) == digest {
		return true
	}
	a := state.StandingAttempt()
	if a == nil {
		return false
	}
	r, found := state.Releases[a.Release]
	return found && digestOf(r) == digest
}

// missing says why a digest has not passed in a service: empty if it has. It has where a release with it was finalized
// there at least minAge ago and nobody took it back since.
func missing(view ledger.View, id service.ID, digest string, minAge time.Duration) string {
	state := view.State
	if state.Number == 0 {
		return fmt.Sprintf("The store knows no service %s, so nothing has passed there. Correct passed_in.service, or the provider's store.", id)
	}
	var youngest time.Duration
	finalized := false
	for _, a := range state.Attempts {
		r, found := state.Releases[a.Release]
		if !found || digestOf(r) != digest {
			continue
		}
		if a.Undone || a.End == service.EndRolledBack {
			return fmt.Sprintf("%s was finalized in %s as %s, and rolled back. Fix what was wrong, and pass another artifact.", digest, id, a.Release)
		}
		if a.End == service.EndFinalized {
			finalized, youngest = true, max(youngest, view.Now.Sub(a.EndedAt))
		}
	}
	switch {
	case !finalized:
		return fmt.Sprintf("%s was not finalized in %s%s. Release it there first.", digest, id, instead(state))
	case youngest < minAge:
		return fmt.Sprintf("%s was finalized in %s %s ago, and min_age is %s. Wait for another %s.",
			digest, id, engine.FormatDuration(youngest), engine.FormatDuration(minAge), engine.FormatDuration(minAge-youngest))
	}
	return ""
}

func instead(state ledger.State) string {
	stable := state.StableRelease()
	if stable == nil {
		return ", where nothing stands"
	}
	return fmt.Sprintf(", where %s stands with %s", stable.ID, digestOf(*stable))
}
