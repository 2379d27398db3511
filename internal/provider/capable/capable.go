// Package capable says what a service can do, for plans that need it: by its definition in the ledger.
package capable

import (
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Metrics tells whether a service has metrics; true where that is not known yet, since the apply asks again.
func Metrics(view *ledger.View) bool {
	d := defined(view)
	return d == nil || d.Metrics != nil
}

// Router tells whether a service has a router; true where that is not known yet, since the apply asks again.
func Router(view *ledger.View) bool {
	d := defined(view)
	return d == nil || d.Router != nil
}

// Source is what a service's metrics come from; nil where that is not known yet, or there are none.
func Source(view *ledger.View) *service.Metrics {
	d := defined(view)
	if d == nil {
		return nil
	}
	return d.Metrics
}

// defined is nil where the definition is still to come. That of a retired service says nothing about the next one.
func defined(view *ledger.View) *service.Definition {
	if view == nil || view.State.Retired {
		return nil
	}
	return view.State.Definition
}
