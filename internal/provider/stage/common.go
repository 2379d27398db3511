// Package stage is the frame that all stages of a release share as Terraform resources: how a plan is made, what an
// apply does, how a refresh tells the truth. What is special about a stage it gets as a Kind.
package stage

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Common are the attributes that every stage has. A stage's model embeds it.
type Common struct {
	// Release wanted in the configuration; in the state: the newest one that passed the stage in an attempt that stands.
	Release types.String `tfsdk:"release"`
	// Attempt is the number of that attempt.
	Attempt types.Int64 `tfsdk:"attempt"`
	// WorstCase is how long the stage takes at most, as a duration such as "10m30s".
	WorstCase types.String `tfsdk:"worst_case"`
}

// ReleaseArgument is the attribute `release` of the stages that are told which release they are for.
func ReleaseArgument(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Required: true}
}

// ServiceArgument is the attribute `service` of the stages that have one.
func ServiceArgument() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Id of the service, `<environment>/<name>`: `deploy_service.<name>.id`. Another service makes another object, " +
			"which is refused while a release runs.",
		Required: true,
	}
}

// Computed adds the computed attributes of Common to a stage's own ones: `attempt` and `worst_case`.
func Computed(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	attributes["attempt"] = schema.Int64Attribute{
		MarkdownDescription: "Number of the attempt in which `release` passed this stage.",
		Computed:            true,
	}
	attributes["worst_case"] = schema.StringAttribute{
		MarkdownDescription: "The longest that this stage takes when the release changes: by its deadlines, with what hosts and router of the service may take. It is ended then, and put back; a restore comes on top, and so does an upload that takes longer than five minutes, as long as it comes forward. " +
			"While the service is not in a state yet, or is changed by the same apply, it may be longer than this says. The stages of a service together must fit into the provider's `run_budget`.",
		Computed: true,
	}
	return attributes
}
