// Package whole is the type of whole numbers in arguments. Terraform has numbers alone, and the framework's own type takes 2.5
// for a defect of the provider; this one says at the attribute what to write.
package whole

import (
	"context"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
)

// Type is the custom type of an Int64Attribute.
type Type struct{ basetypes.Int64Type }

// Number is a value of Type. One that is not whole counts as not known, until it is refused.
type Number struct {
	basetypes.Int64Value
	// given is what was written instead of a whole number.
	given string
}

var (
	_ basetypes.Int64Typable      = Type{}
	_ xattr.ValidateableAttribute = Number{}
)

// Equal tells whether another type is this one.
func (Type) Equal(other attr.Type) bool {
	_, is := other.(Type)
	return is
}

func (Type) String() string { return "whole.Type" }

// ValueType is what its values are.
func (Type) ValueType(context.Context) attr.Value { return Number{} }

// ValueFromInt64 takes over the framework's value.
func (Type) ValueFromInt64(_ context.Context, in basetypes.Int64Value) (basetypes.Int64Valuable, diag.Diagnostics) {
	return Number{Int64Value: in}, nil
}

// ValueFromTerraform takes every number; Number.ValidateAttribute refuses those that are not whole.
func (t Type) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	var number big.Float
	if in.IsKnown() && !in.IsNull() && in.Type().Is(tftypes.Number) && in.As(&number) == nil {
		if _, accuracy := number.Int64(); accuracy != big.Exact {
			return Number{Int64Value: basetypes.NewInt64Unknown(), given: number.Text('g', 10)}, nil
		}
	}
	value, err := t.Int64Type.ValueFromTerraform(ctx, in)
	if err != nil {
		return nil, err
	}
	known, is := value.(basetypes.Int64Value)
	if !is {
		return nil, fmt.Errorf("%T is no whole number", value)
	}
	return Number{Int64Value: known}, nil
}

// Validate is what the framework asks of the elements of a collection.
func (t Type) Validate(ctx context.Context, in tftypes.Value, at path.Path) diag.Diagnostics {
	var resp xattr.ValidateAttributeResponse
	if value, err := t.ValueFromTerraform(ctx, in); err == nil {
		if number, is := value.(Number); is {
			number.ValidateAttribute(ctx, xattr.ValidateAttributeRequest{Path: at}, &resp)
		}
	}
	return resp.Diagnostics
}

// Type of the value.
func (Number) Type(context.Context) attr.Type { return Type{} }

// Equal tells whether another value is the same.
func (n Number) Equal(other attr.Value) bool {
	o, is := other.(Number)
	return is && n.given == o.given && n.Int64Value.Equal(o.Int64Value)
}

// ValidateAttribute refuses what is not whole.
func (n Number) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if n.given != "" {
		resp.Diagnostics.AddAttributeError(diagnostics.Shown(req.Path), "Invalid Number",
			diagnostics.Named(req.Path, fmt.Sprintf("%s is not a whole number: write one such as 5 or 25.", n.given)))
	}
}
