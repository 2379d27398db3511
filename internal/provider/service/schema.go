package service

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
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
			"router":  routerAttribute(),
			"metrics": metricsAttribute(),
			"notify":  notifyAttribute(),
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "`<environment>/<name>`.",
			},
			"status": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "`ready`; `interrupted` where a run ended in the middle of a stage, where what ran before is not known to be stopped everywhere, or where a rollback left out a host; `restore_failed` where a release could not be put back whole; `resizing` where what runs is not yet on the hosts that were added, or still on those that were removed. " +
					"Each is planned to become `ready`: the apply recovers first, and brings what runs to the hosts.",
			},
			"store_id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Identity of the store that the ledger lies in. Another store under the same address is refused.",
			},
		},
	}
}
