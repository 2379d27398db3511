package service

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func slotsAttribute(required bool, description string) schema.Attribute {
	return schema.MapNestedAttribute{
		Required: required, Optional: !required, MarkdownDescription: description,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"port": numberAttribute("Port that the instance listens on. Exactly one of `port` and `ports`."),
			"ports": schema.ListAttribute{
				Optional: true, ElementType: whole.Type{},
				MarkdownDescription: "Ports, one an instance. All slots have equally many.",
			},
		}},
	}
}

type slotModel struct {
	Port  whole.Number `tfsdk:"port"`
	Ports types.List   `tfsdk:"ports"`
}

func toSlots(ctx context.Context, slots types.Map, diags *diag.Diagnostics) map[string]service.HostSlot {
	d := map[string]service.HostSlot{}
	for name, value := range slots.Elements() {
		slot, found := element[slotModel](ctx, value, diags)
		if !found {
			continue
		}
		ports := plain.Ints(slot.Ports)
		if isSet(slot.Port) {
			ports = []int{int(slot.Port.ValueInt64())}
		}
		d[name] = service.HostSlot{Ports: ports}
	}
	return d
}

func fromSlots(d map[string]service.HostSlot) map[string]any {
	slots := map[string]any{}
	for name, slot := range d {
		if len(slot.Ports) == 1 {
			slots[name] = map[string]any{"port": slot.Ports[0]}
		} else {
			slots[name] = map[string]any{"ports": slices.Clone(slot.Ports)}
		}
	}
	return slots
}

// validateSlots sees to it that each slot says its port in one way.
func validateSlots(ctx context.Context, root path.Path, slots types.Map, diags *diag.Diagnostics) {
	for name, value := range slots.Elements() {
		at := root.AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A slot needs exactly one of port (of the only instance), ports (of several); remove it where none is wanted.")
			continue
		}
		slot, found := element[slotModel](ctx, value, diags)
		if !found || slot.Port.IsUnknown() || slot.Ports.IsUnknown() || slot.Port.IsNull() != slot.Ports.IsNull() {
			continue
		}
		diags.AddAttributeError(at, "Exactly One Needed",
			"Set exactly one of: port (of the only instance), ports (of several).")
	}
}
