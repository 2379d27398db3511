package capable_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/capable"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestCapable(t *testing.T) {
	defined := func(d service.Definition) *ledger.View { return &ledger.View{State: ledger.State{Definition: &d}} }
	retired := defined(service.Definition{})
	retired.State.Retired = true
	for name, test := range map[string]struct {
		view            *ledger.View
		metrics, router bool
	}{
		"no ledger":         {nil, true, true},
		"no definition":     {&ledger.View{}, true, true},
		"a retired service": {retired, true, true},
		"neither":           {defined(service.Definition{}), false, false},
		"metrics":           {defined(service.Definition{Metrics: &service.Metrics{}}), true, false},
		"router":            {defined(service.Definition{Router: &service.Router{}}), false, true},
	} {
		if capable.Metrics(test.view) != test.metrics || capable.Router(test.view) != test.router {
			t.Errorf("%s: got metrics %v, router %v", name, capable.Metrics(test.view), capable.Router(test.view))
		}
	}
}
