package provider

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// closing is a connector that has connections.
type closing struct {
	delivery.Connector
	closed int
}

func (c *closing) Close() error {
	c.closed++
	return nil
}

// With its runs a process ends the connections that they had to machines.
func TestLifetimeEndsConnections(t *testing.T) {
	t.Parallel()
	connector := &closing{}
	lifetime := &Lifetime{}
	lifetime.register(delivery.NewRun(nil, connector, ledger.Holder{Name: "terraform"}, ledger.DefaultTerms))
	lifetime.register(delivery.NewRun(nil, struct{ delivery.Connector }{}, ledger.Holder{Name: "terraform"}, ledger.DefaultTerms))
	if err := lifetime.Close(t.Context(), false); err != nil || connector.closed != 1 {
		t.Errorf("closed %d times: %v", connector.closed, err)
	}
}
