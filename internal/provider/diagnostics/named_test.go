package diagnostics_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
)

func TestNamePathsLiesWhereTerraformShowsTheLine(t *testing.T) {
	step, home := path.Root("steps").AtListIndex(1), path.Root("checks").AtMapKey("home")
	tests := map[string]struct {
		at, want path.Path
		detail   string
	}{
		"at the top":               {path.Root("weight"), path.Root("weight"), "is wrong"},
		"in an element of a list":  {step.AtName("weight"), step, "steps[1].weight: is wrong"},
		"the element itself":       {step, step, "steps[1]: is wrong"},
		"deep in one of a map":     {home.AtName("http").AtName("path"), home, `checks["home"].http.path: is wrong`},
		"not in an element":        {path.Root("router").AtName("haproxy"), path.Root("router").AtName("haproxy"), "router.haproxy: is wrong"},
		"an element further below": {path.Root("a").AtName("b").AtListIndex(0), path.Root("a").AtName("b").AtListIndex(0), "a.b[0]: is wrong"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			diags.AddAttributeError(test.at, "Invalid", "is wrong")
			diags.AddAttributeWarning(test.at, "Odd", "is wrong")
			diagnostics.NamePaths(&diags)
			for _, d := range diags {
				at, placed := d.(diag.DiagnosticWithPath)
				if !placed || !at.Path().Equal(test.want) || d.Detail() != test.detail {
					t.Errorf("got %v, want %q at %s", d, test.detail, test.want)
				}
			}
		})
	}
}
