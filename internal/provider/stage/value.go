package stage

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// attributes of a resource's value, by name.
type attributes map[string]tftypes.Value

func attributesOf(raw tftypes.Value, diags *diag.Diagnostics) attributes {
	values := map[string]tftypes.Value{}
	if raw.IsNull() {
		return values
	}
	if err := raw.As(&values); err != nil {
		diags.AddError("Provider Defect", fmt.Sprintf("The resource's value cannot be read: %s. Please report it.", err))
	}
	return values
}

func (a attributes) value(ctx context.Context, s schema.Schema) tftypes.Value {
	return tftypes.NewValue(s.Type().TerraformType(ctx), map[string]tftypes.Value(a))
}

// computed are the names of the attributes that the provider decides: those that config does not.
func computed(s schema.Schema, config attributes) []string {
	var names []string
	for name, attribute := range s.Attributes {
		if !attribute.IsComputed() {
			continue
		}
		if written, found := config[name]; attribute.IsOptional() && found && !written.IsNull() {
			continue
		}
		names = append(names, name)
	}
	return names
}

// argumentsDiffer tells whether something that users write differs between two values.
func argumentsDiffer(s schema.Schema, a, b attributes) bool {
	for name, attribute := range s.Attributes {
		if (!attribute.IsComputed() || attribute.IsOptional()) && !a[name].Equal(b[name]) {
			return true
		}
	}
	return false
}

// timed tells whether all that bears on a stage's worst case is known.
func timed(s schema.Schema, plan attributes) bool {
	for name, attribute := range s.Attributes {
		switch name {
		case "service", "release", "checkpoint", "content":
			continue
		}
		if !attribute.IsComputed() && !plan[name].IsFullyKnown() {
			return false
		}
	}
	return true
}

// model reads a value into the stage's model.
func (r *Resource[M]) model(ctx context.Context, raw tftypes.Value, diags *diag.Diagnostics) (m M) {
	diags.Append(tfsdk.State{Schema: r.kind.Schema(), Raw: raw}.Get(ctx, &m)...)
	return m
}

// raw is a model's value.
func (r *Resource[M]) raw(ctx context.Context, m M, diags *diag.Diagnostics) tftypes.Value {
	s := r.kind.Schema()
	state := tfsdk.State{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(ctx), nil)}
	diags.Append(state.Set(ctx, m)...)
	return state.Raw
}
