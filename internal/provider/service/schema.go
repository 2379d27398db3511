package service

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "One deployable thing in one environment: where its instances run, what splits its traffic, what it is judged by, who is told. " +
			"It owns the service's ledger. What an earlier run left in the middle is recovered by its update, before any stage runs.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the service: lower-case letters, digits and hyphens. Another name makes another service.",
			},
			"environment": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Environment that it runs in, such as `production`. Another environment makes another service.",
			},
			"platform": schema.SingleNestedAttribute{
				Required:            true,
				MarkdownDescription: "Where instances run. Exactly one of: `host`, `kubernetes` (to come).",
				Attributes: map[string]schema.Attribute{
					"host": hostAttribute(),
					"kubernetes": choice.ToCome("Workloads of a Kubernetes cluster.", map[string]schema.Attribute{
						"namespace": choice.Text("Namespace that releases run in."),
					}),
				},
			},
			"router": schema.SingleNestedAttribute{
				Optional: true,
				MarkdownDescription: "What splits the traffic between slots. Exactly one of: `caddy`, `haproxy` (to come), `gateway_api` (to come). " +
					"Without a router, a release takes the place of the one before it at once.",
				Attributes: map[string]schema.Attribute{
					"caddy":       caddyAttribute(),
					"haproxy":     choice.ToCome("HAProxy, by its Runtime API.", map[string]schema.Attribute{}),
					"gateway_api": choice.ToCome("An HTTPRoute of the Kubernetes Gateway API.", map[string]schema.Attribute{}),
				},
			},
			"metrics": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "What releases are judged by. At least one of: `scrape`, `haproxy` (to come), `prometheus` (to come).",
				Attributes: map[string]schema.Attribute{
					"scrape":  scrapeAttribute(),
					"haproxy": choice.ToCome("HAProxy's own counters of its servers.", map[string]schema.Attribute{}),
					"prometheus": choice.ToCome("A Prometheus server.", map[string]schema.Attribute{
						"url": choice.Text("URL of the server."),
					}),
				},
			},
			"notify": notifyAttribute(),
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "`<environment>/<name>`.",
			},
			"status": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "`ready`; `interrupted` where a run ended in the middle of a stage, `restore_failed` where a release could not be put back whole. " +
					"Both are planned to become `ready`: the apply recovers first.",
			},
			"store_id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Identity of the store that the ledger lies in. Another store under the same address is refused.",
			},
		},
	}
}

func hostAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Processes of this machine.",
		Attributes: map[string]schema.Attribute{
			"directory": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Absolute path of the directory that holds releases and their logs. Default: `/srv/<environment>/<name>` for root, " +
					"else `deploy/<environment>/<name>` in the user's state directory (`$XDG_STATE_HOME` or `~/.local/state`).",
			},
			"address": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Address that instances are reached at. Default: `127.0.0.1`.",
			},
			"slots": schema.MapNestedAttribute{
				Required: true,
				MarkdownDescription: "Places for one release each: `blue`, or `blue` and `green`. With one, a new release interrupts the old one. " +
					"In each, the `port` of its only instance or the `ports` of several.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"port": schema.Int64Attribute{
						CustomType:          whole.Type{},
						Optional:            true,
						MarkdownDescription: "Port that the instance listens on. Exactly one of `port` and `ports`.",
					},
					"ports": schema.ListAttribute{
						Optional: true, ElementType: whole.Type{},
						MarkdownDescription: "Ports, one an instance. All slots have equally many.",
					},
				}},
			},
			"drain_timeout": durationAttribute("How long an instance may take to stop after SIGTERM, before SIGKILL. Default: `30s`."),
			"log": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Bounds of an instance's log files.",
				Attributes: map[string]schema.Attribute{
					"max_size":  schema.Int64Attribute{CustomType: whole.Type{}, Optional: true, MarkdownDescription: "Size of a file in MiB after which the next one is begun. Default: `10`."},
					"max_files": schema.Int64Attribute{CustomType: whole.Type{}, Optional: true, MarkdownDescription: "How many older files are kept. Default: `3`."},
				},
			},
		},
	}
}

func caddyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A stock Caddy on this machine that reads a share file for each request: no configuration is loaded, so no request is lost.",
		Attributes: map[string]schema.Attribute{
			"share_file": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Absolute path of the share file, such as `/var/lib/caddy/web.share`. The provider writes it, Caddy reads it.",
			},
			"admin": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "URL of Caddy's admin API, which is only read. Default: `http://localhost:2019`.",
			},
			"drain_timeout": durationAttribute("Longest wait for the requests in flight to an instance to end, before it is stopped. Default: `30s`."),
		},
	}
}

func scrapeAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The instances' own Prometheus exposition, read directly.",
		Attributes: map[string]schema.Attribute{
			"path":       schema.StringAttribute{Optional: true, MarkdownDescription: "Path of the exposition. Default: `/metrics`."},
			"port":       schema.Int64Attribute{CustomType: whole.Type{}, Optional: true, MarkdownDescription: "Port of the exposition. Default: the instance's own."},
			"requests":   schema.StringAttribute{Optional: true, MarkdownDescription: "Name of the counter of requests. Default: `http_requests_total`."},
			"code_label": schema.StringAttribute{Optional: true, MarkdownDescription: "Its label with the HTTP status; a status from 500 is an error. Default: `code`."},
			"duration":   schema.StringAttribute{Optional: true, MarkdownDescription: "Name of the histogram of durations in seconds. Default: `http_request_duration_seconds`."},
			"timeout":    durationAttribute("Time limit of one reading. Default: `5s`."),
		},
	}
}

func notifyAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Webhooks that are told, as JSON, what happens; by names of your choice. Each message is tried until it arrives, for a day, and may arrive twice; none delays a release.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the credential that holds the URL, or the URL itself where it holds no secret.",
			},
			"on": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Any of `started`, `succeeded`, `rolled_back`, `restore_failed`. Default: all of them.",
			},
		}},
	}
}

func durationAttribute(description string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)}, MarkdownDescription: description,
	}
}
