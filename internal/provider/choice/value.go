package choice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Value wants a text at an attribute to be one of values. It is silent where nothing is written, or known yet.
func Value(at path.Path, value types.String, diags *diag.Diagnostics, values ...string) {
	if value.IsNull() || value.IsUnknown() || slices.Contains(values, value.ValueString()) {
		return
	}
	diags.AddAttributeError(at, "Invalid Value", fmt.Sprintf("%q is not one of: %s.", value.ValueString(), strings.Join(values, ", ")))
}
