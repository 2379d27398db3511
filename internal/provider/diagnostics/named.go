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

// Shown is where Terraform finds the source line of an attribute inside an element, such as steps[1].weight: the element. It looks
// for the last name alone, and would show another attribute of that name.
func Shown(at path.Path) path.Path {
	if steps := at.Steps(); len(steps) > 2 {
		root, isName := steps[0].(path.PathStepAttributeName)
		if !isName {
			return at
		}
		switch element := steps[1].(type) {
		case path.PathStepElementKeyInt:
			return path.Root(string(root)).AtListIndex(int(element))
		case path.PathStepElementKeyString:
			return path.Root(string(root)).AtMapKey(string(element))
		}
	}
	return at
}

// NamePaths is Named for each diagnostic that lies at an attribute, and puts it where Terraform shows the line.
func NamePaths(diags *diag.Diagnostics) {
	for i, d := range *diags {
		at, placed := d.(diag.DiagnosticWithPath)
		if !placed {
			continue
		}
		detail := Named(at.Path(), d.Detail())
		if d.Severity() == diag.SeverityWarning {
			(*diags)[i] = diag.NewAttributeWarningDiagnostic(Shown(at.Path()), d.Summary(), detail)
		} else {
			(*diags)[i] = diag.NewAttributeErrorDiagnostic(Shown(at.Path()), d.Summary(), detail)
		}
	}
}
