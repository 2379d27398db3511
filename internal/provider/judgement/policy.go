package judgement

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
)

// meaning says what each policy does, in the order in which they are listed.
var meaning = []struct {
	policy delivery.Policy
	text   string
}{
	{delivery.PolicyRestore, "puts the checkpoint back"},
	{delivery.PolicyPause, "ends the apply and leaves the release at its step; the next apply goes on"},
	{delivery.PolicyWait, "waits until `max_pause` is over, then does what `on_inconclusive` says"},
	{delivery.PolicyContinue, "goes on to the next step without a judgement"},
}

const (
	withWait    = true
	withoutWait = false
)

func policyAttribute(when, fallback string, wait bool) schema.Attribute {
	var choices policies
	var texts []string
	for _, m := range meaning {
		if m.policy == delivery.PolicyWait && !wait {
			continue
		}
		choices = append(choices, m.policy)
		texts = append(texts, fmt.Sprintf("`%s` %s", m.policy, m.text))
	}
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{choices},
		MarkdownDescription: fmt.Sprintf("What to do when %s: %s. Default: `%s`.", when, strings.Join(texts, "; "), fallback),
	}
}

// policies validates that a value is one of them.
type policies []delivery.Policy

func (p policies) Description(context.Context) string { return "one of " + p.list() }

func (p policies) MarkdownDescription(ctx context.Context) string { return p.Description(ctx) }

// ValidateString stays silent on what is not known yet.
func (p policies) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || slices.Contains(p, delivery.Policy(req.ConfigValue.ValueString())) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid Policy",
		diagnostics.Named(req.Path, fmt.Sprintf("%q is not a policy here: write one of %s.", req.ConfigValue.ValueString(), p.list())))
}

func (p policies) list() string {
	names := make([]string, len(p))
	for i, policy := range p {
		names[i] = fmt.Sprintf("%q", policy)
	}
	return strings.Join(names, ", ")
}

func toPolicy(value types.String, fallback delivery.Policy) delivery.Policy {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return delivery.Policy(value.ValueString())
}
