package machines

import (
	"context"
	"errors"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// programProblem tells whether the artifact has the release's program: at most one, which is that of no machine. What else is wrong with the
// artifact is not said.
func (m *Machines) programProblem(ctx context.Context, r service.Release) []service.Problem {
	reference, err := service.ParseReference(r.Content.Artifact)
	program := r.Content.PackedProgram()
	if err != nil || program == "" {
		return nil
	}
	contents, err := artifact.Examined(ctx, reference.Path, reference.Digest, program, m.options.Limits)
	if err == nil {
		err = contents.Program.Runs(program)
	}
	if unfit, is := errors.AsType[*artifact.ProgramError](err); is {
		return []service.Problem{{Path: []string{"content", "host", "command"}, Detail: unfit.Error()}}
	}
	return nil
}
