// Package releaseid is the function release_id: the id of a release before it exists.
package releaseid

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the function.
func New() function.Function { return releaseID{} }

type releaseID struct{}

func (releaseID) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "release_id"
}

func (releaseID) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Id of a release",
		MarkdownDescription: "Gives the id that `deploy_release` has for the same service and content, before it exists: for `deploy_preflight` and " +
			"`deploy_checkpoint`, which come before it. Numbers and truth values become text, null and empty are absent, unknown keys are an error.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "service", MarkdownDescription: "Id of the service, `<environment>/<name>`: `deploy_service.<name>.id`."},
			function.DynamicParameter{Name: "content", MarkdownDescription: "Content of the release, as `deploy_release` takes it."},
		},
		Return: function.StringReturn{},
	}
}

func (releaseID) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var id string
	var given types.Dynamic
	resp.Error = function.ConcatFuncErrors(resp.Error, req.Arguments.Get(ctx, &id, &given))
	if resp.Error != nil {
		return
	}
	parsed, err := service.ParseID(id)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	raw, err := given.UnderlyingValue().ToTerraformValue(ctx)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	if !raw.IsFullyKnown() {
		resp.Error = function.ConcatFuncErrors(resp.Error, resp.Result.Set(ctx, types.StringUnknown()))
		return
	}
	c, err := content.FromDynamic(raw)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	resp.Error = function.ConcatFuncErrors(resp.Error, resp.Result.Set(ctx, string(c.ReleaseID(parsed))))
}
