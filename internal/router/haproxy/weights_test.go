package haproxy

import "testing"

// TestBetween: nodes that differ read as no split that anybody can ask for, and no slot as having all or nothing.
func TestBetween(t *testing.T) {
	node := func(percent int) map[string]int {
		if percent < 0 {
			return map[string]int{blue: 0, green: 0} // sends nothing anywhere
		}
		return map[string]int{blue: 100 - percent, green: percent}
	}
	for a := -1; a <= 100; a++ {
		for b := -1; b <= 100; b++ {
			if a == b {
				continue
			}
			got := between([]map[string]int{node(a), node(b)})
			if got[blue]+got[green] != 99 || got[blue] < 1 || got[green] < 1 {
				t.Fatalf("nodes with %d %% and %d %% read as %v", a, b, got)
			}
			if most := min(a, b); most > 51 && got[green] <= 50 {
				t.Fatalf("green has the most on nodes with %d %% and %d %%, which read as %v", a, b, got)
			}
		}
	}
}
