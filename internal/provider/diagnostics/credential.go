package diagnostics

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// Lookup is what names of credentials are resolved with; delivery.Credentials is one.
type Lookup interface {
	Lookup(name string) (string, error)
}

// Credential refuses, at the attribute that names it, a credential that the provider does not have. Without anything to
// look it up with, nothing is said.
func Credential(credentials Lookup, at path.Path, name string, diags *diag.Diagnostics) {
	if credentials == nil {
		return
	}
	if _, err := credentials.Lookup(name); err != nil {
		diags.AddAttributeError(at, "Unknown Credential", Sentence(err.Error()))
	}
}
