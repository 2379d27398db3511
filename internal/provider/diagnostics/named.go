package diagnostics

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// Named begins a detail with the attribute that it is about, where that lies inside another one: Terraform shows the
// source line of what is at the top alone.
func Named(at path.Path, detail string) string {
	if len(at.Steps()) < 2 {
		return detail
	}
	name := at.String()
	if strings.HasPrefix(detail, name+": ") {
		return detail
	}
	return name + ": " + detail
}

// NamePaths is Named for each diagnostic that lies at an attribute.
func NamePaths(diags *diag.Diagnostics) {
	for i, d := range *diags {
		at, placed := d.(diag.DiagnosticWithPath)
		if !placed {
			continue
		}
		detail := Named(at.Path(), d.Detail())
		if d.Severity() == diag.SeverityWarning {
			(*diags)[i] = diag.NewAttributeWarningDiagnostic(at.Path(), d.Summary(), detail)
		} else {
			(*diags)[i] = diag.NewAttributeErrorDiagnostic(at.Path(), d.Summary(), detail)
		}
	}
}
