package diagnostics

import (
	"context"
	"errors"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// AddError adds what the engine returned as one error: its own summary and detail where it has them, at its attribute
// where it names one; else summary and the error's text. typ is the type of the resource's schema, nil where there is none.
func AddError(ctx context.Context, diags *diag.Diagnostics, typ attr.Type, summary string, err error) {
	var told *delivery.Error
	if !errors.As(err, &told) {
		diags.AddError(summary, Sentence(err.Error()))
		return
	}
	if len(told.Path) > 0 && typ != nil {
		diags.AddAttributeError(At(ctx, typ, told.Path), told.Summary, capital(told.Detail()))
		return
	}
	diags.AddError(told.Summary, capital(told.Detail()))
}

// AddWarnings adds what a stage wants its users to know.
func AddWarnings(diags *diag.Diagnostics, warnings []delivery.Warning) {
	for _, w := range warnings {
		diags.AddWarning(w.Summary, w.Detail)
	}
}

// At is the path that steps lead to in a value of typ: names of attributes, keys of maps, indices of lists. It ends where
// a step leads nowhere.
func At(ctx context.Context, typ attr.Type, steps []string) path.Path {
	at := path.Empty()
	for _, step := range steps {
		switch t := typ.(type) {
		case attr.TypeWithAttributeTypes:
			next, found := t.AttributeTypes()[step]
			if !found {
				return at
			}
			at, typ = at.AtName(step), next
		case attr.TypeWithElementType:
			if i, err := strconv.Atoi(step); err == nil && t.TerraformType(ctx).Is(tftypes.List{}) {
				at = at.AtListIndex(i)
			} else {
				at = at.AtMapKey(step)
			}
			typ = t.ElementType()
		default:
			return at
		}
	}
	return at
}
