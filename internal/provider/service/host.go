package service

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultAddress        = "127.0.0.1"
	defaultDrain          = 30 * time.Second
	defaultLogSize        = 10
	defaultLogFiles       = 3
	defaultMaxParallel    = 1
	defaultMaxUnavailable = 1
	defaultKeepReleases   = 3
)

func hostAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Machines: processes of this one, or units of its systemd; or, with `hosts`, of other machines over SSH.",
		Attributes: map[string]schema.Attribute{
			"slots": slotsAttribute(true, "Places for one release each: `blue`, or `blue` and `green`. With one, a new release interrupts the old one. "+
				"In each, the `port` of its only instance or the `ports` of several."),
			"hosts": hostsAttribute(),
			"supervisor": textAttribute("What starts instances, and starts them again when they end: `systemd`, as units; or `process`, a process of the provider's own for each instance, " +
				"for a machine without systemd. Default: `systemd` with `hosts`, `process` without. It stays as it is while releases run."),
			"systemd": systemdAttribute(),
			"directory": textAttribute("Absolute path of the directory that holds releases and their logs, the same on every host. Default: `/srv/<environment>/<name>` with `hosts` (it must be there and belong to the user who logs in, or be one that root or sudo can make) and for root, " +
				"else `deploy/<environment>/<name>` in the user's state directory (`$XDG_STATE_HOME` or `~/.local/state`)."),
			"address":       textAttribute("Address that instances of this machine are reached at; each of the `hosts` has its own. Default: `127.0.0.1`."),
			"drain_timeout": durationAttribute("How long an instance may take to stop after SIGTERM, before SIGKILL. Default: `30s`."),
			"keep_releases": numberAttribute("How many releases' files stay on a machine, those that run or are kept ready among them; older ones are removed when another one is brought there. With `hosts` or systemd. Default: `3`."),
			"max_parallel":  numberAttribute("On how many of the `hosts` a release is started at a time: the next ones follow when it is healthy on these. Uploads, which touch nothing that runs, go to four hosts at a time whatever it is; what is stopped behind a release that stands, and what a restore starts again, to all at once. Default: `1`."),
			"max_unavailable": numberAttribute("How many of the `hosts` may be without a running instance at a time, with one slot: there a new instance takes the place of an old one. " +
				"It bounds `max_parallel` there. With two slots no host is without one: the new instances run before the old ones stop. Default: `1`."),
			"reach": textAttribute("How checks and readings of metrics come to instances on `hosts`: by the `network`, through the `ssh` connection, or `auto`: by the network, and through SSH where it does not get there, or where `ssh.bastion` is set or `address` is of the loopback, which is the host's own. Default: `auto`."),
			"existing": schema.SingleNestedAttribute{
				Optional: true,
				MarkdownDescription: "A systemd unit that you wrote and that runs already, on each host. It is taken over without a restart: it becomes the first stable release, which a restore comes back to. " +
					"It is started, stopped and asked, and never written or removed.",
				Attributes: map[string]schema.Attribute{
					"unit":    requiredText("Name of the unit, such as `web.service`."),
					"version": requiredText("Version that it is known by."),
					"slot":    requiredText("Slot whose ports it listens on."),
				},
			},
			"log": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Bounds of an instance's log files. Where systemd supervises, the journal has bounds of its own.",
				Attributes: map[string]schema.Attribute{
					"max_size":  numberAttribute("Size of a file in MiB after which the next one is begun. Default: `10`."),
					"max_files": numberAttribute("How many older files are kept. Default: `3`."),
				},
			},
		},
	}
}

type hostModel struct {
	Slots          types.Map    `tfsdk:"slots"`
	Hosts          types.Map    `tfsdk:"hosts"`
	Supervisor     types.String `tfsdk:"supervisor"`
	Systemd        types.Object `tfsdk:"systemd"`
	Directory      types.String `tfsdk:"directory"`
	Address        types.String `tfsdk:"address"`
	DrainTimeout   types.String `tfsdk:"drain_timeout"`
	KeepReleases   whole.Number `tfsdk:"keep_releases"`
	MaxParallel    whole.Number `tfsdk:"max_parallel"`
	MaxUnavailable whole.Number `tfsdk:"max_unavailable"`
	Reach          types.String `tfsdk:"reach"`
	Existing       types.Object `tfsdk:"existing"`
	Log            types.Object `tfsdk:"log"`
}

type existingModel struct {
	Unit    types.String `tfsdk:"unit"`
	Version types.String `tfsdk:"version"`
	Slot    types.String `tfsdk:"slot"`
}

type logModel struct {
	MaxSize  whole.Number `tfsdk:"max_size"`
	MaxFiles whole.Number `tfsdk:"max_files"`
}

// host that platform says, if any.
func (m model) host(ctx context.Context, diags *diag.Diagnostics) (hostModel, bool) {
	platform, found := plain.Object[platformModel](ctx, m.Platform, diags)
	if !found {
		return hostModel{}, false
	}
	return plain.Object[hostModel](ctx, platform.Host, diags)
}

var hostPath = path.Root("platform").AtName("host")

// toDefinition leaves out what has no meaning for the processes of this machine, so that their definition is the one that
// ledgers have from before there were others.
func (h hostModel) toDefinition(ctx context.Context, id service.ID, diags *diag.Diagnostics) *service.HostPlatform {
	d := service.HostPlatform{
		Slots: toSlots(ctx, h.Slots, diags), Hosts: toHosts(ctx, hostPath.AtName("hosts"), h.Hosts, diags),
		DrainTimeout: duration.ToDuration(h.DrainTimeout, defaultDrain, hostPath.AtName("drain_timeout"), diags),
		Log:          service.HostLog{MaxSize: defaultLogSize, MaxFiles: defaultLogFiles},
	}
	remote := len(d.Hosts) > 0
	d.Directory = text(h.Directory, defaultDirectory(id, remote))
	d.Supervisor = text(h.Supervisor, defaultSupervisor(remote))
	if !remote {
		d.Address = text(h.Address, defaultAddress)
	}
	if d.Supervisor == service.SupervisorSystemd {
		systemd, _ := plain.Object[systemdModel](ctx, h.Systemd, diags)
		d.Systemd = systemd.toDefinition(hostPath.AtName("systemd"), diags)
		if existing, found := plain.Object[existingModel](ctx, h.Existing, diags); found {
			d.Existing = &service.ExistingUnit{Unit: existing.Unit.ValueString(), Version: existing.Version.ValueString(), Slot: existing.Slot.ValueString()}
		}
	}
	if remote || d.Supervisor == service.SupervisorSystemd {
		d.MaxParallel, d.MaxUnavailable = plain.Int(h.MaxParallel, defaultMaxParallel), plain.Int(h.MaxUnavailable, defaultMaxUnavailable)
		d.KeepReleases, d.Reach = plain.Int(h.KeepReleases, defaultKeepReleases), text(h.Reach, service.ReachAuto)
	} else if d.Supervisor == service.SupervisorProcess {
		d.Supervisor = ""
	}
	if log, found := plain.Object[logModel](ctx, h.Log, diags); found {
		d.Log = service.HostLog{MaxSize: plain.Int(log.MaxSize, defaultLogSize), MaxFiles: plain.Int(log.MaxFiles, defaultLogFiles)}
	}
	return &d
}

func defaultSupervisor(remote bool) string {
	if remote {
		return service.SupervisorSystemd
	}
	return service.SupervisorProcess
}

// supervisorOf a definition, by its name.
func supervisorOf(h service.HostPlatform) string {
	if h.Supervisor == "" {
		return service.SupervisorProcess
	}
	return h.Supervisor
}

func fromHost(id service.ID, h service.HostPlatform) map[string]any {
	remote := len(h.Hosts) > 0
	host := map[string]any{
		"slots": fromSlots(h.Slots), "hosts": fromHosts(h.Hosts), "directory": unless(h.Directory, defaultDirectory(id, remote)),
		"supervisor": unless(supervisorOf(h), defaultSupervisor(remote)), "drain_timeout": fromDuration(h.DrainTimeout, defaultDrain),
	}
	if remote {
		host["max_parallel"], host["max_unavailable"] = unless(h.MaxParallel, defaultMaxParallel), unless(h.MaxUnavailable, defaultMaxUnavailable)
		host["reach"] = unless(h.Reach, service.ReachAuto)
	} else {
		host["address"] = unless(h.Address, defaultAddress)
	}
	if remote || h.Supervisor == service.SupervisorSystemd {
		host["keep_releases"] = unless(h.KeepReleases, defaultKeepReleases)
	}
	if h.Systemd != nil {
		host["systemd"] = fromSystemd(*h.Systemd)
	}
	if e := h.Existing; e != nil {
		host["existing"] = map[string]any{"unit": e.Unit, "version": e.Version, "slot": e.Slot}
	}
	if h.Log != (service.HostLog{MaxSize: defaultLogSize, MaxFiles: defaultLogFiles}) {
		host["log"] = map[string]any{"max_size": h.Log.MaxSize, "max_files": h.Log.MaxFiles}
	}
	return host
}
