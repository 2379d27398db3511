// Package choice is for objects of which one attribute, or any of several, is chosen: a platform, a router, what a release
// is. It names what there is to choose, also what this version of the provider does not have yet: an attribute that a
// schema lacks Terraform drops from an object in silence, so what is to come is declared, and refused by name.
package choice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Of are the names of an object's attributes to choose from. ToCome are those of them that this version does not have.
type Of struct {
	Names, ToCome []string
	// Example of the attribute to choose, as HCL. Optional.
	Example string
}

// ToCome is the schema of an attribute that this version of the provider refuses. what says what it will be.
func ToCome(what string, attributes map[string]schema.Attribute) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: attributes,
		MarkdownDescription: what + " To come: not in this version of the provider.",
	}
}

// Text is the schema of a text of an attribute that is to come.
func Text(description string) schema.Attribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

// ExactlyOne wants one of them in object, which stands at root. It is silent on what is not known yet.
func (o Of) ExactlyOne(root path.Path, object types.Object, diags *diag.Diagnostics) {
	set, known := o.set(object)
	switch {
	case !known:
	case len(set) > 1:
		diags.AddAttributeError(root, "Exactly One Needed", fmt.Sprintf("Set exactly one of: %s. Here %s are set.", strings.Join(o.Names, ", "), strings.Join(set, " and ")))
	case len(set) == 0:
		diags.AddAttributeError(root, "Exactly One Needed", fmt.Sprintf("Set exactly one of: %s. Here none is set%s.", strings.Join(o.Names, ", "), o.advice()))
	default:
		o.refuseToCome(root, set, diags)
	}
}

// AtLeastOne wants any of them in object, which stands at root. It is silent on what is not known yet.
func (o Of) AtLeastOne(root path.Path, object types.Object, diags *diag.Diagnostics) {
	set, known := o.set(object)
	if known && len(set) == 0 {
		diags.AddAttributeError(root, "At Least One Needed", fmt.Sprintf("Set at least one of: %s. Here none is set%s.", strings.Join(o.Names, ", "), o.advice()))
		return
	}
	o.refuseToCome(root, set, diags)
}

// Check is ExactlyOne for names alone, as an error; nil where all is well.
func (o Of) Check(set []string) error {
	switch {
	case len(set) > 1:
		return fmt.Errorf("set exactly one of: %s; here %s are set", strings.Join(o.Names, ", "), strings.Join(set, " and "))
	case len(set) == 1 && slices.Contains(o.ToCome, set[0]):
		return fmt.Errorf("%s is %s", set[0], o.notYet())
	}
	return nil
}

// AtMostOne wants one of them in object, which stands at root, or none. It is silent on what is not known yet.
func (o Of) AtMostOne(root path.Path, object types.Object, diags *diag.Diagnostics) {
	if set, known := o.set(object); known && len(set) > 1 {
		diags.AddAttributeError(root, "At Most One Allowed", fmt.Sprintf("Set at most one of: %s. Here %s are set.", strings.Join(o.Names, ", "), strings.Join(set, " and ")))
	}
}

func (o Of) set(object types.Object) (set []string, known bool) {
	if object.IsNull() || object.IsUnknown() {
		return nil, false
	}
	attributes := object.Attributes()
	known = true
	for _, name := range o.Names {
		value, found := attributes[name]
		switch {
		case !found || value.IsNull():
		case value.IsUnknown():
			known = false
		default:
			set = append(set, name)
		}
	}
	return set, known
}

func (o Of) refuseToCome(root path.Path, set []string, diags *diag.Diagnostics) {
	for _, name := range set {
		if slices.Contains(o.ToCome, name) {
			diags.AddAttributeError(root.AtName(name), "Not In This Version", "It is "+o.notYet()+".")
		}
	}
}

func (o Of) notYet() string {
	return "not in this version of the provider; use " + strings.Join(o.here(), " or ")
}

// here are those that this version has.
func (o Of) here() []string {
	return slices.DeleteFunc(slices.Clone(o.Names), func(name string) bool { return slices.Contains(o.ToCome, name) })
}

func (o Of) advice() string {
	var advice string
	if len(o.ToCome) > 0 {
		advice = "; this version of the provider has " + strings.Join(o.here(), ", ")
	}
	if o.Example != "" {
		advice += ": " + o.Example
	}
	return advice
}
