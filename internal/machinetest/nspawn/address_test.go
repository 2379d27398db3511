package nspawn

import "testing"

// The kernel offers one of some thousand ports, and by chance one of them again.
func TestFreePortsAreGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for range 60 {
		ports, err := FreePorts(50)
		if err != nil || len(ports) != 50 {
			t.Fatalf("%d ports: %v", len(ports), err)
		}
		for _, port := range ports {
			if given[port] {
				t.Errorf("%d is given again", port)
			}
			given[port] = true
		}
	}
}
