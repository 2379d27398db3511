package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// validate refuses what is said in two ways, what there is no such choice of, and what would have no effect.
func (h hostModel) validate(ctx context.Context, diags *diag.Diagnostics) {
	validateSlots(ctx, hostPath.AtName("slots"), h.Slots, diags)
	validateHosts(ctx, hostPath.AtName("hosts"), h.Hosts, diags)
	choice.Value(hostPath.AtName("supervisor"), h.Supervisor, diags, service.SupervisorSystemd, service.SupervisorProcess)
	choice.Value(hostPath.AtName("reach"), h.Reach, diags, service.ReachAuto, service.ReachNetwork, service.ReachSSH)
	if systemd, found := plain.Object[systemdModel](ctx, h.Systemd, diags); found {
		systemd.validate(hostPath.AtName("systemd"), diags)
	}
	if !diags.HasError() {
		h.refuseIdle(diags)
	}
}

// refuseIdle refuses what has no effect with the hosts and the supervisor that there are.
func (h hostModel) refuseIdle(diags *diag.Diagnostics) {
	if h.Hosts.IsUnknown() {
		return
	}
	refuse := func(detail string, attributes map[string]attr.Value) {
		for name, value := range attributes {
			if isSet(value) {
				diags.AddAttributeError(hostPath.AtName(name), invalid, detail)
			}
		}
	}
	remote := !h.Hosts.IsNull()
	if remote {
		refuse("Each of the hosts has an address of its own, that of its ssh unless it says another: leave this one out.", map[string]attr.Value{"address": h.Address})
	} else {
		refuse("It is about other machines, and there are none: write hosts, or leave it out.",
			map[string]attr.Value{"max_parallel": h.MaxParallel, "max_unavailable": h.MaxUnavailable, "reach": h.Reach})
	}
	if h.Supervisor.IsUnknown() {
		return
	}
	if text(h.Supervisor, defaultSupervisor(remote)) == service.SupervisorSystemd {
		refuse("Where systemd supervises, the journal keeps the logs, and has bounds of its own (journald.conf): leave it out.", map[string]attr.Value{"log": h.Log})
		return
	}
	refuse(`The supervisor is process, not systemd: write supervisor = "systemd", or leave it out.`, map[string]attr.Value{"systemd": h.Systemd, "existing": h.Existing})
	if !remote {
		refuse(`Processes of this machine have no releases to keep beside those that run or are kept ready: write hosts or supervisor = "systemd", or leave it out.`,
			map[string]attr.Value{"keep_releases": h.KeepReleases})
	}
}
