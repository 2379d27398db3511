// Package plain turns the framework's collections into plain Go ones. Null and unknown come out empty, in the same
// places, so that what is known beside them can be looked at already.
package plain

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// Strings of a list, nil for null.
func Strings(list types.List) []string {
	var out []string
	for _, element := range list.Elements() {
		out = append(out, text(element))
	}
	return out
}

// Ints of a list, nil for null.
func Ints(list types.List) []int {
	var out []int
	for _, element := range list.Elements() {
		n, is := element.(interface{ ValueInt64() int64 })
		if !is {
			n = types.Int64Null()
		}
		out = append(out, int(n.ValueInt64()))
	}
	return out
}

// StringMap of a map, nil for null.
func StringMap(m types.Map) map[string]string {
	if len(m.Elements()) == 0 {
		return nil
	}
	out := make(map[string]string, len(m.Elements()))
	for key, element := range m.Elements() {
		out[key] = text(element)
	}
	return out
}

func text(value attr.Value) string {
	s, _ := value.(types.String)
	return s.ValueString()
}

// Object reads an object into a struct of framework types; found is false where it is null or unknown.
func Object[T any](ctx context.Context, object types.Object, diags *diag.Diagnostics) (out T, found bool) {
	if object.IsNull() || object.IsUnknown() {
		return out, false
	}
	failures := object.As(ctx, &out, basetypes.ObjectAsOptions{})
	diags.Append(failures...)
	return out, !failures.HasError()
}

// IsKnown tells whether nothing in a value is unknown, however deep.
func IsKnown(ctx context.Context, value attr.Value) bool {
	raw, err := value.ToTerraformValue(ctx)
	return err == nil && raw.IsFullyKnown()
}

// Int of a number, fallback for null and unknown.
func Int(value interface {
	IsNull() bool
	IsUnknown() bool
	ValueInt64() int64
}, fallback int) int {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return int(value.ValueInt64())
}

// Bool of a value, fallback for null and unknown.
func Bool(value types.Bool, fallback bool) bool {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return value.ValueBool()
}

// Float of a number, nil for null and unknown.
func Float(value types.Float64) *float64 {
	if value.IsUnknown() {
		return nil
	}
	return value.ValueFloat64Pointer()
}

// Text of a string, nil for null and unknown.
func Text(value types.String) *string {
	if value.IsUnknown() {
		return nil
	}
	return value.ValueStringPointer()
}

// Known is a string that is written and known.
func Known(value attr.Value) (string, bool) {
	s, is := value.(types.String)
	return s.ValueString(), is && !s.IsNull() && !s.IsUnknown()
}
