package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func hostsAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Other machines that instances run on, each with the same slots and instances, over SSH; by names of your choice, of lower-case letters, digits and hyphens. A host needs systemd, and what every Linux that is installed with it has: a shell, coreutils, `tar`, `gzip`, `sed`, `grep` and `flock`; `zstd` for artifacts that are packed with it. A preflight names what is missing. " +
			"An added host is brought what is stable by the next apply, a removed one is drained. Default: this machine alone.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"ssh":     sshAttribute(true, "How to log in to the host."),
			"address": textAttribute("Address that the host's instances are reached at: by routers, checks and readings of metrics. Default: the `address` of its `ssh`."),
			"slots":   slotsAttribute(false, "Ports of each slot on this host, in place of the platform's `slots`, where they differ. Default: those of the platform."),
		}},
	}
}

type remoteModel struct {
	SSH     types.Object `tfsdk:"ssh"`
	Address types.String `tfsdk:"address"`
	Slots   types.Map    `tfsdk:"slots"`
}

func toHosts(ctx context.Context, root path.Path, hosts types.Map, diags *diag.Diagnostics) map[string]service.Host {
	var d map[string]service.Host
	for name, value := range hosts.Elements() {
		m, found := element[remoteModel](ctx, value, diags)
		if !found {
			continue
		}
		host := service.Host{}
		if ssh := toSSH(ctx, root.AtMapKey(name).AtName("ssh"), m.SSH, diags); ssh != nil {
			host.SSH = *ssh
		}
		host.Address = text(m.Address, host.SSH.Address)
		if isSet(m.Slots) {
			host.Slots = toSlots(ctx, m.Slots, diags)
		}
		if d == nil {
			d = map[string]service.Host{}
		}
		d[name] = host
	}
	return d
}

func fromHosts(d map[string]service.Host) any {
	if len(d) == 0 {
		return nil
	}
	hosts := map[string]any{}
	for name, host := range d {
		written := map[string]any{"ssh": fromSSH(host.SSH), "address": unless(host.Address, host.SSH.Address)}
		if len(host.Slots) > 0 {
			written["slots"] = fromSlots(host.Slots)
		}
		hosts[name] = written
	}
	return hosts
}

// validateHosts refuses hosts that are nothing, or say something in two ways.
func validateHosts(ctx context.Context, root path.Path, hosts types.Map, diags *diag.Diagnostics) {
	if isSet(hosts) && len(hosts.Elements()) == 0 {
		diags.AddAttributeError(root, invalid, "There is no host: write at least one; or leave hosts out, which is this machine alone.")
	}
	for name, value := range hosts.Elements() {
		at := root.AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A host needs its ssh; remove it where none is wanted.")
			continue
		}
		m, found := element[remoteModel](ctx, value, diags)
		if !found {
			continue
		}
		if isSet(m.Slots) && len(m.Slots.Elements()) == 0 {
			diags.AddAttributeError(at.AtName("slots"), invalid, "There is no slot: write the ports of each slot on this host; or leave slots out, which is those of the platform.")
		}
		validateSlots(ctx, at.AtName("slots"), m.Slots, diags)
		for _, l := range logins(at.AtName("ssh"), m.SSH) {
			l.validate(diags)
		}
	}
}
