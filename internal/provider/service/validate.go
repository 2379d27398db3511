package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const invalid = "Invalid Value"

// validate decides what the configuration alone can tell; it is silent on what is not known yet.
func (m model) validate(ctx context.Context) diag.Diagnostics {
	var diags diag.Diagnostics
	for name, value := range map[string]types.String{"name": m.Name, "environment": m.Environment} {
		if value.IsNull() || value.IsUnknown() {
			continue
		}
		if err := service.ValidateName(value.ValueString()); err != nil {
			diags.AddAttributeError(path.Root(name), invalid, diagnostics.Sentence(err.Error()))
		}
	}
	exactlyOne(path.Root("platform"), m.Platform, &diags)
	exactlyOne(path.Root("router"), m.Router, &diags)
	atLeastOne(path.Root("metrics"), m.Metrics, &diags)
	m.validateSlots(ctx, &diags)
	if diags.HasError() {
		return diags
	}
	definition, more := m.ToDefinition(ctx)
	diags.Append(more...)
	if diags.HasError() {
		return diags
	}
	diags.Append(m.located(ctx, connect.Validate(definition))...)
	return diags
}

// located puts problems of the definition where they belong. Those below something that is not known yet say nothing.
func (m model) located(ctx context.Context, problems []service.Problem) diag.Diagnostics {
	s := resourceSchema()
	state := tfsdk.State{Schema: s}
	diags := state.Set(ctx, m)
	if diags.HasError() {
		return diags
	}
	value, err := s.Type().ValueFromTerraform(ctx, state.Raw)
	if err != nil {
		diags.AddError("Provider Defect", err.Error())
		return diags
	}
	diags.Append(diagnostics.Located(ctx, path.Empty(), value, problems)...)
	return diags
}

func chosen(value types.Object) (known bool, choices, set []string) {
	if value.IsNull() || value.IsUnknown() {
		return false, nil, nil
	}
	attributes := value.Attributes()
	choices = slices.Sorted(maps.Keys(attributes))
	for _, name := range choices {
		if attributes[name].IsUnknown() {
			return false, choices, nil
		}
		if !attributes[name].IsNull() {
			set = append(set, name)
		}
	}
	return true, choices, set
}

func exactlyOne(at path.Path, value types.Object, diags *diag.Diagnostics) {
	known, choices, set := chosen(value)
	if !known || len(set) == 1 {
		return
	}
	found := "none is set"
	if len(set) > 1 {
		found = fmt.Sprintf("%s are set", strings.Join(set, " and "))
	}
	diags.AddAttributeError(at, "Exactly One Needed", fmt.Sprintf("Set exactly one of: %s. Here %s.", strings.Join(choices, ", "), found))
}

func atLeastOne(at path.Path, value types.Object, diags *diag.Diagnostics) {
	if known, choices, set := chosen(value); known && len(set) == 0 {
		diags.AddAttributeError(at, "At Least One Needed", fmt.Sprintf("Set at least one of: %s. Here none is set.", strings.Join(choices, ", ")))
	}
}

// validateSlots sees to it that each slot says its port in one way.
func (m model) validateSlots(ctx context.Context, diags *diag.Diagnostics) {
	platform, found := plain.Object[platformModel](ctx, m.Platform, diags)
	if !found {
		return
	}
	host, found := plain.Object[hostModel](ctx, platform.Host, diags)
	if !found {
		return
	}
	for name, value := range host.Slots.Elements() {
		slot, found := element[slotModel](ctx, value, diags)
		if !found || slot.Port.IsUnknown() || slot.Ports.IsUnknown() || slot.Port.IsNull() != slot.Ports.IsNull() {
			continue
		}
		diags.AddAttributeError(path.Root("platform").AtName("host").AtName("slots").AtMapKey(name), "Exactly One Needed",
			"Set exactly one of: port (of the only instance), ports (of several).")
	}
}

// validateCredentials refuses names that the provider does not have.
func (m model) validateCredentials(ctx context.Context, lookup diagnostics.Lookup, diags *diag.Diagnostics) {
	for name, value := range m.Notify.Elements() {
		n, found := element[notificationModel](ctx, value, diags)
		if !found || n.URL.IsNull() || n.URL.IsUnknown() || strings.Contains(n.URL.ValueString(), "://") {
			continue
		}
		diagnostics.Credential(lookup, path.Root("notify").AtMapKey(name).AtName("url"), n.URL.ValueString(), diags)
	}
}
