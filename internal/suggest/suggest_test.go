package suggest_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/suggest"
)

func TestInstead(t *testing.T) {
	have := []string{"up", "orders_placed_total", "order_total", "orders_totals", "go_goroutines", "orders_total_created", "orders_totals"}
	for wanted, want := range map[string]string{
		"orders_total": "there is orders_totals, order_total, orders_placed_total",
		"goroutines":   "there is go_goroutines",
		"xyz":          "none of those there are has a similar name",
		"":             "none of those there are has a similar name",
	} {
		if got := suggest.Instead(wanted, have); got != want {
			t.Errorf("for %q %s", wanted, got)
		}
	}
	if got := suggest.Instead("orders_total", nil); got != "there is no other" {
		t.Errorf("among nothing: %s", got)
	}
}
