package haproxy_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkSetWeights is one change of the split from end to end, over a Unix socket: looked at, set, read back.
func BenchmarkSetWeights(b *testing.B) {
	for name, c := range map[string]struct {
		form
		blue, green int
	}{
		"one server a slot": {form{options: checked}, 1, 1},
		"state file":        {form{options: checked, stateFile: true}, 1, 1},
		"20 servers a slot": {form{options: checked}, 20, 20},
		"two nodes":         {form{options: checked, nodes: 2}, 1, 1},
	} {
		b.Run(name, func(b *testing.B) {
			s := newStand(b, c.form, c.blue, c.green)
			s.set(b, s.split(50))
			var took []time.Duration
			b.ResetTimer()
			for i := range b.N {
				start := time.Now()
				s.set(b, s.split(1+i%99))
				took = append(took, time.Since(start))
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
