package freeport

import "testing"

// The kernel offers one of some thousand ports, and by chance one of them again, at any address.
func TestPortsAreGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for n := range 60 {
		address := []string{"127.0.0.1", "0.0.0.0"}[n%2]
		ports, err := Find(address, 50)
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
