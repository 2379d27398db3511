package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// chance draws counts; the seed is fixed, so every run of a test sees the same.
type chance struct{ *rand.Rand }

func seeded(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 42))} } // #nosec G404 -- wanted: the same every time.

func (c chance) failing(all int, p float64) Counts {
	bad := 0
	for range all {
		if c.Float64() < p {
			bad++
		}
	}
	return failing(float64(bad), float64(all))
}

// failing counts bad errors of all requests.
func failing(bad, all float64) Counts { return Counts{Requests: all, Errors: bad, Timed: all} }

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}
