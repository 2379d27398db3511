package haproxy_test

import (
	"testing"
)

// A change of weight that is read back, on a connection of its own.
func BenchmarkWeight(b *testing.B) {
	s := start(b)
	c := s.Client()
	for b.Loop() {
		if _, err := c.Command(b.Context(), "set server web/blue weight 7", "set server web/green-0 weight 3", "show servers state web"); err != nil {
			b.Fatal(err)
		}
	}
}
