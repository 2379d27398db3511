package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// warnUnready tells of hosts that a release could not be brought to now. Those that a release runs on already are looked at by the refresh
// of deploy_release, which says so itself.
func (r *serviceResource) warnUnready(ctx context.Context, definition service.Definition, view *ledger.View, diags *diag.Diagnostics) {
	h := definition.Platform.Host
	if h == nil || len(h.Hosts) == 0 || r.engine.Credentials() == nil || view != nil && sameHosts(*h, view.State) {
		return
	}
	run, err := r.engine.Run()
	if err != nil {
		return
	}
	problems, err := run.Service(definition.ID).Unready(ctx, definition)
	if err != nil || len(problems) == 0 {
		return // What is wrong with the definition is said at its attribute.
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Detail
	}
	diags.AddWarning("Hosts Not Ready", fmt.Sprintf("A release of %s could not be brought to all of its hosts now:\n  - %s\n\n"+
		"An apply refuses to begin one until they are ready: a release runs on all of them, or on none.", definition.ID, strings.Join(texts, "\n  - ")))
}

// sameHosts tells whether the stable release runs on these hosts and no others, and they are reached as before: a refresh has asked them.
func sameHosts(h service.HostPlatform, state ledger.State) bool {
	stable := state.StableRelease()
	if stable == nil || state.Definition == nil || state.Definition.Platform.Host == nil {
		return false
	}
	asked, err := json.Marshal(state.Definition.Platform.Host.Hosts)
	if err != nil {
		return false
	}
	if now, err := json.Marshal(h.Hosts); err != nil || !bytes.Equal(asked, now) {
		return false
	}
	there := map[string]bool{}
	for _, i := range stable.Placement.Instances {
		there[i.Host] = true
	}
	return slices.Equal(slices.Sorted(maps.Keys(there)), slices.Sorted(maps.Keys(h.Hosts)))
}
