package checks

import (
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ResultsAttribute is the computed attribute `results` of a resource with `checks`.
func ResultsAttribute() schema.Attribute {
	return schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "What came of each check when it ran last, in a line by the check's name.",
	}
}

// Results are a line a check. What was planned as known stays as it was planned: then no check has run.
func Results(planned types.Map, results []service.CheckResult) types.Map {
	if !planned.IsNull() && !planned.IsUnknown() {
		return planned
	}
	lines := make(map[string]attr.Value, len(results))
	for _, r := range results {
		verdict := "failed"
		if r.Passed {
			verdict = "passed"
		}
		lines[r.Name] = types.StringValue(fmt.Sprintf("%s: %s (%s)", verdict, r.Got, r.Took.Round(time.Millisecond)))
	}
	return types.MapValueMust(types.StringType, lines)
}
