package judgement_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func with(metrics *service.Metrics) *ledger.View {
	return &ledger.View{State: ledger.State{Definition: &service.Definition{Metrics: metrics}}}
}

var (
	scraped = with(&service.Metrics{Scrape: &service.ScrapeMetrics{}})
	served  = with(&service.Metrics{Prometheus: &service.PrometheusMetrics{}})
)

func TestResolve(t *testing.T) {
	query := func(query, more string) string {
		return `{"business": {"orders": {"query": "` + query + `", "versus_stable_min": 0.9` + more + `}}}`
	}
	orders := root.AtName("business").AtMapKey("orders").AtName("query")
	for name, test := range map[string]struct {
		given string
		view  *ledger.View
		at    path.Path // empty: nothing is wrong.
		want  string
	}{
		"no metrics":                 {`{"errors": {}}`, with(nil), root, "give deploy_service metrics"},
		"metrics":                    {`{"errors": {}}`, scraped, path.Empty(), ""},
		"a service to come":          {query("sum(", ""), nil, path.Empty(), ""},
		"a name of an exposition":    {query(`orders_total{kind=\"paid\"}`, ""), scraped, path.Empty(), ""},
		"PromQL for an exposition":   {query("sum(orders_total)", ""), scraped, orders, ""},
		"PromQL":                     {query("sum(increase(orders_total{instance=~\\\"{{instances}}\\\"}[{{interval}}]))", ""), served, path.Empty(), ""},
		"no placeholder":             {query("sum(orders_total{slot=\\\"{{slit}}\\\"})", ""), served, orders, "{{slit}}"},
		"a query to come":            {`{"business": {"orders": {"query": "<unknown>", "versus_stable_min": 0.9}}}`, served, path.Empty(), ""},
		"a type to come":             {query("sum(orders_total)", `, "type": "<unknown>"`), scraped, path.Empty(), ""},
		"an analysis to come":        {`"<unknown>"`, with(nil), path.Empty(), ""},
		"business that is not known": {`{"business": "<unknown>"}`, scraped, path.Empty(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			diags := judgement.Resolve(t.Context(), root, value(t, test.given), test.view)
			if test.at.Equal(path.Empty()) {
				if len(diags) > 0 {
					t.Errorf("got %v, want silence", diags)
				}
				return
			}
			configtest.WantOne(t, diags, test.at, test.want)
		})
	}
}
