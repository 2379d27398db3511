package service

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// validateCredentials refuses names that the provider does not have.
func (m model) validateCredentials(ctx context.Context, lookup diagnostics.Lookup, diags *diag.Diagnostics) {
	for _, l := range m.logins(ctx, diags) {
		l.validateCredentials(lookup, diags)
	}
	if metrics, found := plain.Object[metricsModel](ctx, m.Metrics, diags); found {
		if prometheus, found := plain.Object[prometheusModel](ctx, metrics.Prometheus, diags); found {
			for attribute, name := range map[string]types.String{"bearer": prometheus.Bearer, "password": prometheus.Password} {
				if isSet(name) {
					diagnostics.Credential(lookup, path.Root("metrics").AtName("prometheus").AtName(attribute), name.ValueString(), diags)
				}
			}
		}
	}
	for name, value := range m.Notify.Elements() {
		n, found := element[notificationModel](ctx, value, diags)
		if !found || !isSet(n.URL) || strings.Contains(n.URL.ValueString(), "://") {
			continue
		}
		diagnostics.Credential(lookup, path.Root("notify").AtMapKey(name).AtName("url"), n.URL.ValueString(), diags)
	}
}

// logins to all machines: hosts, nodes of the router, and the bastions before them.
func (m model) logins(ctx context.Context, diags *diag.Diagnostics) []login {
	var all []login
	if host, found := m.host(ctx, diags); found {
		for name, value := range host.Hosts.Elements() {
			if of, found := element[remoteModel](ctx, value, diags); found {
				all = append(all, logins(hostPath.AtName("hosts").AtMapKey(name).AtName("ssh"), of.SSH)...)
			}
		}
	}
	if _, haproxy, found := m.haproxy(ctx, diags); found {
		for name, value := range haproxy.Nodes.Elements() {
			if of, found := element[nodeModel](ctx, value, diags); found {
				all = append(all, logins(haproxyPath.AtName("nodes").AtMapKey(name).AtName("ssh"), of.SSH)...)
			}
		}
	}
	return all
}
