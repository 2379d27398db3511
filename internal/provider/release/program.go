package release

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// refuseProgram refuses a command whose program is not in the artifact, or cannot be executed: nothing would come of it. It is silent where
// the artifact is not here or is another one by now, which is said elsewhere, and of what is kept ready.
func refuseProgram(ctx context.Context, p stage.Planning[model], diags *diag.Diagnostics) {
	if p.ReleaseChanges == stage.Unchanged || p.Mode == service.ModeRollback {
		return
	}
	c, _, failures := content.ToContent(ctx, p.Plan.Content)
	reference, err := service.ParseReference(c.Artifact)
	program := c.PackedProgram()
	if failures.HasError() || err != nil || program == "" {
		return
	}
	contents, err := artifact.Examined(ctx, reference.Path, reference.Digest, program, artifact.Limits{})
	if err != nil {
		return
	}
	unfit, is := errors.AsType[*artifact.ProgramError](contents.Program.Runs(program))
	if !is {
		return
	}
	summary := "Program Not In Artifact"
	if unfit.Found {
		summary = "Program Not Executable"
	}
	diags.AddAttributeError(path.Root("content").AtName("host").AtName("command"), summary, diagnostics.Sentence(unfit.Error()))
}
