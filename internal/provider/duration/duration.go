// Package duration is the one form in which users write lengths of time: "90s", "5m", "1h30m".
package duration

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Parse reads a length of time, zero or more. The error says what to write instead.
func Parse(text string) (time.Duration, error) {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write numbers with their units h, m, s or ms, such as \"90s\", \"5m\" or \"1h30m\" (a day is \"24h\")", text)
	}
	if parsed < 0 {
		return 0, fmt.Errorf("%q is less than nothing: write a duration such as \"90s\" or \"5m\", without a sign", text)
	}
	return parsed, nil
}

// ToDuration reads what a user wrote. Where nothing was written, or nothing is known yet, it is fallback; what cannot be
// read is an error in diags at the attribute.
func ToDuration(value types.String, fallback time.Duration, at path.Path, diags *diag.Diagnostics) service.Duration {
	if value.IsNull() || value.IsUnknown() {
		return service.Duration(fallback)
	}
	parsed, err := Parse(value.ValueString())
	if err != nil {
		diags.AddAttributeError(at, invalid, err.Error()+".")
		return service.Duration(fallback)
	}
	return service.Duration(parsed)
}

const invalid = "Invalid Duration"

// Any accepts every duration from "0s" on.
func Any() validator.String { return bound{} }

// AtLeast accepts durations from least on.
func AtLeast(least time.Duration) validator.String { return bound{least: least} }

type bound struct{ least time.Duration }

func (b bound) Description(context.Context) string {
	if b.least > 0 {
		return fmt.Sprintf("a duration such as \"90s\" or \"5m\", at least %s", b.least)
	}
	return "a duration such as \"90s\" or \"5m\""
}

func (b bound) MarkdownDescription(ctx context.Context) string { return b.Description(ctx) }

// ValidateString stays silent on what is not known yet.
func (b bound) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	parsed, err := Parse(req.ConfigValue.ValueString())
	switch {
	case err != nil:
		resp.Diagnostics.AddAttributeError(diagnostics.Shown(req.Path), invalid, diagnostics.Named(req.Path, err.Error()+"."))
	case parsed < b.least:
		resp.Diagnostics.AddAttributeError(diagnostics.Shown(req.Path), invalid,
			diagnostics.Named(req.Path, fmt.Sprintf("%q is too short: write %q or more.", req.ConfigValue.ValueString(), b.least.String())))
	}
}
