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
				Optional: true,
				MarkdownDescription: "What releases are judged by. At least one of: `scrape`, `haproxy` (to come), `prometheus`. " +
					"With both `scrape` and `prometheus`, requests, errors and latency are those of `scrape`, which has no scrape interval, and business series are asked of `prometheus`.",
				Attributes: map[string]schema.Attribute{
					"scrape":     scrapeAttribute(),
					"haproxy":    choice.ToCome("HAProxy's own counters of its servers.", map[string]schema.Attribute{}),
					"prometheus": prometheusAttribute(),
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

func prometheusAttribute() schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "A server with Prometheus' HTTP API: Prometheus itself, Mimir, Thanos, VictoriaMetrics. A judgement is as quick as its scrape interval. " +
			"Queries are templates: `{{release}}` is the release's id, `{{slot}}` its slot, `{{instances}}` a regular expression of its instances' addresses, `host:port`, as in " +
			"`instance=~\"{{instances}}\"`, and `{{interval}}` the time since the last look, such as `5s`. Each must hold one of the first three, or all releases would count the same.",
		Attributes: map[string]schema.Attribute{
			"url":      schema.StringAttribute{Required: true, MarkdownDescription: "URL of the server, below which `api/v1` is, such as `https://prometheus.example:9090` or `https://mimir.example/prometheus`."},
			"bearer":   text("Name of the credential that holds a token."),
			"username": text("Name for basic authentication, together with `password`."),
			"password": text("Name of the credential that holds the password."),
			"headers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Headers of each request, such as `{ X-Scope-OrgID = \"web\" }`. Not for secrets.",
			},
			"tls": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "How the server is verified, where the system's certificates do not tell.",
				Attributes: map[string]schema.Attribute{
					"ca":          text("Certificates in PEM that are trusted, in place of the system's."),
					"ca_file":     text("Absolute path of a file with such certificates."),
					"server_name": text("Name that the server's certificate is for. Default: the host of `url`."),
				},
			},
			"timeout": durationAttribute("Time limit of one request. Default: `10s`."),
			"preset": text("Whose series are counted, in place of the instances' own: `caddy` (instances that are Caddy servers: `caddy_http_request_duration_seconds`), " +
				"`haproxy` (`haproxy_server_http_responses_total`, which has no latency: that is not judged), `traefik` (`traefik_service_requests_total` and `traefik_service_request_duration_seconds`)."),
			"service": text("Regular expression by which a preset finds the release's series: of Traefik's label `service` (without its provider, such as `@file`), HAProxy's label `server`, " +
				"Caddy's label `handler`. With `{{slot}}` and `{{release}}`. Default: `{{slot}}` for Traefik, `{{slot}}.*` for HAProxy; for Caddy `subroute`, which counts each request of a site with a host name once: " +
				"for others name the one handler in `caddy_http_request_duration_seconds_count` that does."),
			"selector": text("More matchers of labels, such as `job=\"web\"`, or those that find the release's series, such as `pod=~\"web-{{slot}}-.*\"`. " +
				"Where it holds no placeholder, the instances' own series are found by `instance=~\"{{instances}}\"` beside it."),
			"code_label": text("Label of the requests with the HTTP status; a status from 500 is an error. Default: `code`."),
			"queries": schema.SingleNestedAttribute{
				Optional: true,
				MarkdownDescription: "Queries of your own. Each is a selector of counters, whose increase is taken series by series, exactly; or an expression with `{{interval}}`, such as " +
					"`sum by (code) (increase(http_requests_total{instance=~\"{{instances}}\"}[{{interval}}]))`, that is itself a count, and is asked no more often than every four scrape intervals.",
				Attributes: map[string]schema.Attribute{
					"requests":         text("Counter of requests. Default: `http_requests_total`, or the preset's."),
					"errors":           text("Counter of the requests that failed. Default: those of `requests` whose `code_label` begins with a 5."),
					"duration_buckets": text("Buckets of a histogram of durations in seconds, with their label `le`. Default: `http_request_duration_seconds_bucket`, or the preset's."),
				},
			},
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
