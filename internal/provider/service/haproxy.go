package service

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const defaultCommandTimeout = 5 * time.Second

func haproxyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "HAProxy, on one or several nodes, by the weights of a backend's servers in its Runtime API: nothing is reloaded, so no request is lost. Each node is read back, and where one fails all are put back together. " +
			"Servers of the backend that are not the service's are left alone.",
		Attributes: map[string]schema.Attribute{
			"nodes": schema.MapNestedAttribute{
				Required:            true,
				MarkdownDescription: "HAProxy processes that the traffic comes through, all with the same backend; by names of your choice.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"socket":  textAttribute("Absolute path of a stats socket with `level admin`, on this machine or that of `ssh`. Exactly one of `socket` and `address`."),
					"address": textAttribute("Address of a stats socket with `level admin` that listens on TCP, `host:port`; with `ssh` as seen from that machine."),
					"ssh":     sshAttribute(false, "How to log in to the machine that HAProxy runs on. Default: this machine."),
				}},
			},
			"backend": requiredText("Name of the backend that the servers are in."),
			"servers": schema.MapAttribute{
				Optional: true, ElementType: types.ListType{ElemType: types.StringType},
				MarkdownDescription: "Names of the servers of your configuration by slot, such as `{ blue = [\"web-blue-1\", \"web-blue-2\"] }`. Default: those that are called as the slot, alone or followed by a hyphen, an underscore or a number, such as `blue-1`. " +
					"At most one of `servers` and `dynamic`.",
			},
			"dynamic": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Servers are added and removed by the provider (`add server`, HAProxy 2.6 and later), at IP addresses alone. Default: they are in your configuration.",
				Attributes: map[string]schema.Attribute{
					"options": textAttribute("Keywords behind the address of each server, such as `check inter 1s`. Default: none, and HAProxy does not check the servers."),
				},
			},
			"state_file": textAttribute("Absolute path of the file that each node loads the state of its servers from when it starts (`server-state-file`), which is kept up to date, so that a reload or restart brings no old weights back. It is written on the machine of the node: one on another machine needs `ssh`, also where its `address` can be reached without. Not with `dynamic`. " +
				"Default: none; then a restart has the weights of the configuration, which a plan shows as drift."),
			"drain_timeout": durationAttribute("Longest wait for the requests in flight to a server to end, before its instance is stopped. Default: `30s`."),
			"timeout":       durationAttribute("Time limit of one command. Default: `5s`."),
		},
	}
}

type haproxyModel struct {
	Nodes        types.Map    `tfsdk:"nodes"`
	Backend      types.String `tfsdk:"backend"`
	Servers      types.Map    `tfsdk:"servers"`
	Dynamic      types.Object `tfsdk:"dynamic"`
	StateFile    types.String `tfsdk:"state_file"`
	DrainTimeout types.String `tfsdk:"drain_timeout"`
	Timeout      types.String `tfsdk:"timeout"`
}

type nodeModel struct {
	Socket  types.String `tfsdk:"socket"`
	Address types.String `tfsdk:"address"`
	SSH     types.Object `tfsdk:"ssh"`
}

type dynamicModel struct {
	Options types.String `tfsdk:"options"`
}

var haproxyPath = path.Root("router").AtName("haproxy")

// haproxy that router says, if any; router is the object, since another one's choice has its own validation.
func (m model) haproxy(ctx context.Context, diags *diag.Diagnostics) (object types.Object, of haproxyModel, found bool) {
	router, found := plain.Object[routerModel](ctx, m.Router, diags)
	if !found {
		return object, of, false
	}
	of, found = plain.Object[haproxyModel](ctx, router.HAProxy, diags)
	return router.HAProxy, of, found
}

func (h haproxyModel) toDefinition(ctx context.Context, diags *diag.Diagnostics) *service.HAProxyRouter {
	d := &service.HAProxyRouter{
		Nodes: map[string]service.HAProxyNode{}, Backend: h.Backend.ValueString(), StateFile: h.StateFile.ValueString(),
		DrainTimeout: duration.ToDuration(h.DrainTimeout, defaultDrain, haproxyPath.AtName("drain_timeout"), diags),
		Timeout:      duration.ToDuration(h.Timeout, defaultCommandTimeout, haproxyPath.AtName("timeout"), diags),
	}
	for name, value := range h.Nodes.Elements() {
		if node, found := element[nodeModel](ctx, value, diags); found {
			ssh := toSSH(ctx, haproxyPath.AtName("nodes").AtMapKey(name).AtName("ssh"), node.SSH, diags)
			d.Nodes[name] = service.HAProxyNode{Socket: node.Socket.ValueString(), Address: node.Address.ValueString(), SSH: ssh}
		}
	}
	for slot, value := range h.Servers.Elements() {
		servers, is := value.(types.List)
		if !is || servers.IsNull() {
			continue
		}
		if d.Servers == nil {
			d.Servers = map[string][]string{}
		}
		d.Servers[slot] = append([]string{}, plain.Strings(servers)...)
	}
	if dynamic, found := plain.Object[dynamicModel](ctx, h.Dynamic, diags); found {
		d.Dynamic = &service.HAProxyDynamic{Options: dynamic.Options.ValueString()}
	}
	return d
}

func fromHAProxy(h service.HAProxyRouter) map[string]any {
	nodes := map[string]any{}
	for name, node := range h.Nodes {
		written := map[string]any{"socket": unless(node.Socket, ""), "address": unless(node.Address, "")}
		if node.SSH != nil {
			written["ssh"] = fromSSH(*node.SSH)
		}
		nodes[name] = written
	}
	written := map[string]any{
		"nodes": nodes, "backend": h.Backend, "servers": fromMap(h.Servers), "state_file": unless(h.StateFile, ""),
		"drain_timeout": fromDuration(h.DrainTimeout, defaultDrain), "timeout": fromDuration(h.Timeout, defaultCommandTimeout),
	}
	if h.Dynamic != nil {
		written["dynamic"] = map[string]any{"options": unless(h.Dynamic.Options, "")}
	}
	return written
}

var (
	serverForms = choice.Of{Names: []string{"servers", "dynamic"}}
	nodeForms   = choice.Of{Names: []string{"socket", "address"}, Example: `socket = "/run/haproxy/admin.sock"`}
)

// validateHAProxy refuses what is said in two ways or not at all.
func (m model) validateHAProxy(ctx context.Context, diags *diag.Diagnostics) {
	object, h, found := m.haproxy(ctx, diags)
	if !found {
		return
	}
	serverForms.AtMostOne(haproxyPath, object, diags)
	for name, value := range h.Nodes.Elements() {
		at := haproxyPath.AtName("nodes").AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A node needs its socket or its address; remove it where none is wanted.")
			continue
		}
		node, found := element[nodeModel](ctx, value, diags)
		if !found {
			continue
		}
		if of, is := value.(types.Object); is {
			nodeForms.ExactlyOne(at, of, diags)
		}
		for _, l := range logins(at.AtName("ssh"), node.SSH) {
			l.validate(diags)
		}
	}
	for slot, value := range h.Servers.Elements() {
		if servers, is := value.(types.List); is && isSet(servers) && len(servers.Elements()) == 0 {
			diags.AddAttributeError(haproxyPath.AtName("servers").AtMapKey(slot), invalid, "There is no server: write the names of the slot's servers; or leave the slot out, whose servers are then found by their names.")
		}
	}
}
