package judgement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// defaultDeadline is how long what a policy is about must last before it acts: one lost scrape restores nothing.
const defaultDeadline = 30 * time.Second

// meaning says what each policy does.
var meaning = map[delivery.Policy]string{
	delivery.PolicyRestore:  "puts the checkpoint back",
	delivery.PolicyPause:    "ends the apply and leaves the release at its step, from where the next apply goes on",
	delivery.PolicyWait:     "waits until `max_pause` is over, then does what `on_inconclusive` says",
	delivery.PolicyContinue: "goes on to the next step without a judgement",
}

// What there is to choose from, in the order in which it is listed.
var (
	withWait    = choices{"policy", []string{string(delivery.PolicyRestore), string(delivery.PolicyPause), string(delivery.PolicyWait), string(delivery.PolicyContinue)}}
	withoutWait = choices{"policy", []string{string(delivery.PolicyRestore), string(delivery.PolicyPause), string(delivery.PolicyContinue)}}
	kinds       = choices{"type", []string{counter, gauge}}
)

// policy is one that waits unless it is told otherwise, and acts after a deadline.
type policy struct{ attribute, deadline, when string }

var (
	onNoData      = policy{"on_no_data", "no_data_deadline", "the metrics' source answers, and what is asked for is not in the answer"}
	onSourceError = policy{"on_source_error", "source_error_deadline", "the metrics' source does not answer"}
	onSharedFault = policy{"on_shared_fault", "shared_fault_deadline", "the stable release suffers as well, so that it is no reason to blame this one"}
	waiting       = []policy{onNoData, onSourceError, onSharedFault}
)

func (p policy) schema() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{withWait},
		MarkdownDescription: fmt.Sprintf("What to do when %s: %s. Default: `wait`.", p.when, withWait.meaning()),
	}
}

func (p policy) deadlineSchema() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{duration.Any()},
		MarkdownDescription: fmt.Sprintf("How long that must last without a break before `%s` acts; `0s`: at once. Not beside `wait`, which ends with `max_pause`. Default: `%s`.", p.attribute, defaultDeadline),
	}
}

// read is the policy with its deadline, which is 0 for one that waits.
func (p policy) read(root path.Path, chosen, deadline types.String, diags *diag.Diagnostics) (delivery.Policy, service.Duration) {
	does := toPolicy(chosen, delivery.PolicyWait)
	if does == delivery.PolicyWait {
		return does, 0
	}
	return does, duration.ToDuration(deadline, defaultDeadline, root.AtName(p.deadline), diags)
}

// validate refuses a deadline of a policy that has none.
func (p policy) validate(root path.Path, chosen, deadline types.String, diags *diag.Diagnostics) {
	if chosen.IsUnknown() || deadline.IsNull() || toPolicy(chosen, delivery.PolicyWait) != delivery.PolicyWait {
		return
	}
	diags.AddAttributeError(root.AtName(p.deadline), "Invalid Value",
		fmt.Sprintf("It says when %[1]s acts, and %[1]s = \"wait\" waits until max_pause is over: write %[1]s = \"restore\", \"pause\" or \"continue\" beside it, or remove it.", p.attribute))
}

// choices validates that a value is one of names.
type choices struct {
	what  string
	names []string
}

func (c choices) Description(context.Context) string { return "one of " + c.list() }

func (c choices) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateString stays silent on what is not known yet.
func (c choices) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || slices.Contains(c.names, req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+strings.ToUpper(c.what[:1])+c.what[1:],
		diagnostics.Named(req.Path, fmt.Sprintf("%q is not a %s here: write one of %s.", req.ConfigValue.ValueString(), c.what, c.list())))
}

func (c choices) list() string {
	names := make([]string, len(c.names))
	for i, name := range c.names {
		names[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(names, ", ")
}

// meaning of the policies among them.
func (c choices) meaning() string {
	texts := make([]string, len(c.names))
	for i, name := range c.names {
		texts[i] = fmt.Sprintf("`%s` %s", name, meaning[delivery.Policy(name)])
	}
	return strings.Join(texts, "; ")
}

func toPolicy(value types.String, fallback delivery.Policy) delivery.Policy {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return delivery.Policy(value.ValueString())
}
