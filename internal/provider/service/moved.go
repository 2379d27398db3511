package service

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// refuseMoved refuses to look for the releases that there are in another place than they were put into: on other machines, with
// another supervisor, in another directory. Hosts that are added or removed are no other place: those that stay have the releases.
// Names of hosts that mean other machines, and machines that have other names, are; and so are ports of one slot that come to be another's.
func refuseMoved(ctx context.Context, id service.ID, wanted service.Definition, state ledger.State, diags *diag.Diagnostics) {
	if state.Definition == nil || state.Definition.Platform.Host == nil || wanted.Platform.Host == nil || len(state.Releases) == 0 {
		return
	}
	before, after := *state.Definition.Platform.Host, *wanted.Platform.Host
	refuse := func(at path.Path, summary, what, keep string) {
		diags.AddAttributeError(at, summary, fmt.Sprintf(
			"%s Nothing was changed.\n\nNext: keep %s; or destroy the deploy_release first, with deletion_protection = false.", what, keep))
	}
	switch from, to := supervisorOf(before), supervisorOf(after); {
	case len(before.Hosts) == 0 && len(after.Hosts) > 0:
		refuse(hostPath.AtName("hosts"), "Platform In Use", fmt.Sprintf("Releases of %s run on this machine, and would be looked for on hosts.", id), "platform.host without hosts")
	case len(before.Hosts) > 0 && len(after.Hosts) == 0:
		refuse(hostPath.AtName("hosts"), "Platform In Use", fmt.Sprintf("Releases of %s run on hosts, and would be looked for on this machine.", id), "the hosts")
	case from != to:
		refuse(hostPath.AtName("supervisor"), "Platform In Use", fmt.Sprintf("Releases of %s are supervised by %s, and would be looked for with %s.", id, from, to), fmt.Sprintf("supervisor = %q", from))
	case scopeOf(before) != scopeOf(after):
		refuse(hostPath.AtName("systemd").AtName("scope"), "Platform In Use",
			fmt.Sprintf("Releases of %s are units in the scope %s of systemd, and would be looked for in the scope %s.", id, scopeOf(before), scopeOf(after)), fmt.Sprintf("scope = %q", scopeOf(before)))
	case after.Directory != "" && filepath.Clean(before.Directory) != filepath.Clean(after.Directory):
		refuse(hostPath.AtName("directory"), "Directory In Use", fmt.Sprintf("Releases of %s run from %s.", id, before.Directory), "the directory")
	default:
		moved := delivery.MovedHosts(&state, wanted)
		if moved == nil {
			moved = delivery.MovedPorts(&state, wanted)
		}
		if moved != nil {
			diagnostics.AddError(ctx, diags, resourceSchema().Type(), moved.Summary, moved)
		}
	}
}

// refuseExisting refuses to name a unit to take over when it cannot be any more, and not to name the one that was.
func (r *serviceResource) refuseExisting(ctx context.Context, wanted service.Definition, state ledger.State, diags *diag.Diagnostics) {
	if r.engine.Credentials() == nil || diags.HasError() {
		return
	}
	run, err := r.engine.Run()
	if err != nil {
		return
	}
	if refused := run.Service(wanted.ID).RefuseExisting(&state, wanted); refused != nil {
		diagnostics.AddError(ctx, diags, resourceSchema().Type(), refused.Summary, refused)
	}
}

func scopeOf(h service.HostPlatform) string {
	if h.Systemd == nil {
		return ""
	}
	return h.Systemd.Scope
}
