package smoketest

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 4: checks against the candidate before it takes any traffic. One that fails restores the checkpoint. " +
			"After a rollback they report, and change nothing.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"release": stage.ReleaseArgument("Id of the release to test: `deploy_release.<name>.release`."),
			"checks":  checks.Required("against the instances of the release"),
			"results": checks.ResultsAttribute(),
		}),
	}
}
