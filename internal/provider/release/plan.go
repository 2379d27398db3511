package release

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// plan says how the release will be introduced, as far as the last refresh tells.
func plan(ctx context.Context, p stage.Planning[model]) diag.Diagnostics {
	var diags diag.Diagnostics
	switch p.ReleaseChanges {
	case stage.Unchanged:
		p.Plan.Instances = repaired(*p.Plan)
	case stage.Changed:
		if p.Mode != "" {
			p.Plan.Mode = types.StringValue(string(p.Mode))
		}
		if p.Prior != nil && p.Facts.Known() {
			p.Plan.Replaces = orNull(p.Facts.Carries)
			p.Plan.Interrupts = types.BoolValue(len(p.Facts.Slots) == 1 && p.Facts.Carries != "")
		}
	}
	refuseOtherCheckpoint(ctx, p, &diags)
	if p.ReleaseChanges != stage.Unchanged {
		refuseUnfit(ctx, p, &diags)
	}
	refuseProgram(ctx, p, &diags)
	if p.ReleaseChanges != stage.Unchanged || p.ArgumentsChange {
		refuseUnknownCredentials(p, &diags)
	}
	warn(p)
	return diags
}

// repaired are the instances as they should be: all of them on the release. Those of another slot are stable's, and are shown while they
// are gone.
func repaired(m model) types.Map {
	elements := make(map[string]attr.Value, len(m.Instances.Elements()))
	for name := range m.Instances.Elements() {
		if slot, _, _ := strings.Cut(name, "/"); slot == m.Slot.ValueString() {
			elements[name] = m.Release
		}
	}
	if m.Instances.IsNull() || m.Instances.IsUnknown() || len(elements) == 0 {
		return m.Instances
	}
	return types.MapValueMust(types.StringType, elements)
}

// rerun where an instance is missing, or runs something else.
func rerun(prior, plan model) bool { return !prior.Instances.Equal(plan.Instances) }

// refuseOtherCheckpoint refuses a checkpoint that was taken for another release, and says what differs.
func refuseOtherCheckpoint(ctx context.Context, p stage.Planning[model], diags *diag.Diagnostics) {
	checkpoint, release := p.Plan.Checkpoint, p.Plan.Release
	if checkpoint.IsNull() || checkpoint.IsUnknown() || release.IsNull() || release.IsUnknown() {
		return
	}
	id := service.ReleaseID(release.ValueString())
	if checkpoint.ValueString() == delivery.CheckpointID(id) {
		return
	}
	taken := service.ReleaseID(strings.TrimSuffix(checkpoint.ValueString(), delivery.CheckpointID("")))
	text := fmt.Sprintf("The checkpoint %s was not taken for %s. Nothing was changed.", checkpoint.ValueString(), id)
	for _, difference := range differences(ctx, p, taken, id) {
		text += "\n  - " + difference
	}
	text += "\n\nNext: give deploy_checkpoint (and deploy_preflight before it) the same content: release = provider::deploy::release_id(deploy_service.<name>.id, local.<content>), with the local that deploy_release has as its content."
	diags.AddAttributeError(path.Root("checkpoint"), "Checkpoint Not Retaken", text)
}

// differences says what is known to differ between the release that a checkpoint was taken for and the one that is planned.
func differences(ctx context.Context, p stage.Planning[model], taken, planned service.ReleaseID) []string {
	if _, err := service.ParseReleaseID(string(taken)); err != nil {
		return []string{"it is not the id of a checkpoint, which looks like " + delivery.CheckpointID(planned)}
	}
	if taken.Service() != planned.Service() {
		return []string{fmt.Sprintf("it is one of another service, %s", taken.Service())}
	}
	c, _, _ := content.ToContent(ctx, p.Plan.Content)
	if p.View != nil {
		if record, found := p.View.State.Releases[taken]; found {
			var found []string
			for _, difference := range content.Differences(record.Content, c) {
				found = append(found, "they differ in "+difference)
			}
			return found
		}
	}
	if taken.Version() != planned.Version() {
		return []string{fmt.Sprintf("they differ in version: %s, and %s", taken.Version(), planned.Version())}
	}
	return []string{"the version is the same: they differ in the artifact's digest, config, secrets, host or restart"}
}

// refuseUnfit refuses a content that the service's platform could not start: with one slot the old release would be stopped already when that
// shows.
func refuseUnfit(ctx context.Context, p stage.Planning[model], diags *diag.Diagnostics) {
	if p.Definition == nil {
		return
	}
	c, _, _ := content.ToContent(ctx, p.Plan.Content) // What is wrong with its form was said where the configuration was validated.
	diags.Append(diagnostics.Located(ctx, path.Root("content"), p.Plan.Content, connect.ContentProblems(*p.Definition, c))...)
}

func refuseUnknownCredentials(p stage.Planning[model], diags *diag.Diagnostics) {
	if p.Credentials == nil {
		return
	}
	secrets, _ := p.Plan.Content.Attributes()["secrets"].(types.Map)
	for variable, value := range secrets.Elements() {
		if name, known := plain.Known(value); known {
			diagnostics.Credential(p.Credentials, path.Root("content").AtName("secrets").AtMapKey(variable), name, diags)
		}
	}
}

// planDelete refuses to take away what runs while it is protected. To replace it is refused in any case: production would
// be stopped, and a release of the same content is not introduced twice.
func planDelete(_ context.Context, prior model, facts stage.Facts, view *ledger.View, replacing bool) diag.Diagnostics {
	var diags diag.Diagnostics
	runs := facts.Carries
	if view != nil {
		runs = view.State.Stable
		if a := view.State.OpenAttempt(); a != nil && a.Executing {
			runs = a.Release
		}
	}
	switch {
	case runs == "":
	case replacing:
		diags.AddError("Release In Use", fmt.Sprintf(
			"The plan would replace the deploy_release of %s, which runs: production would be stopped first. Nothing was changed.\n\n"+
				"Next: to run the same content anew, give it another `restart`, and plan without -replace; a tainted object is whole again after `terraform untaint`. "+
				"To take the service out of operation, or to move to another `service`, set deletion_protection = false, apply that, and destroy then.", runs))
	case prior.protected():
		diags.AddError("Deletion Protected", fmt.Sprintf(
			"The plan would stop %s, which runs, and its deploy_release is protected. Nothing was changed.\n\n"+
				"Next: to run the same content anew, give it another `restart`. To take the service out of operation, set deletion_protection = false, apply that, and destroy then.", runs))
	}
	return diags
}

func orNull(release service.ReleaseID) types.String {
	if release == "" {
		return types.StringNull()
	}
	return types.StringValue(string(release))
}
