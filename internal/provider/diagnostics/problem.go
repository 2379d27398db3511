// Package diagnostics turns what the engine says into Terraform's diagnostics.
package diagnostics

import (
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const invalid = "Invalid Value"

// FromProblems turns problems into errors at attributes below root, where no value is at hand to tell names from map
// keys (Located is exact): a number is the index of a list, everything else a name.
func FromProblems(root path.Path, problems []service.Problem) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, p := range problems {
		at := root
		for _, step := range p.Path {
			if i, err := strconv.Atoi(step); err == nil {
				at = at.AtListIndex(i)
			} else {
				at = at.AtName(step)
			}
		}
		diags.AddAttributeError(at, invalid, detail(p))
	}
	return diags
}
