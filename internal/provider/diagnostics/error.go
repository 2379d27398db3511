package diagnostics

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// AsError joins the errors of diags, nil if there are none, for the places that take plain errors. What lies at an attribute
// names it.
func AsError(diags diag.Diagnostics) error {
	var failures []error
	for _, d := range diags.Errors() {
		text := d.Summary() + ": " + d.Detail()
		if at, placed := d.(diag.DiagnosticWithPath); placed {
			text = fmt.Sprintf("%s: %s", at.Path(), text)
		}
		failures = append(failures, errors.New(text))
	}
	return errors.Join(failures...)
}
