package analysis

import (
	"math"
	"testing"
)

func TestBoundsThatAreNotKnownAreNotSaid(t *testing.T) {
	t.Parallel()
	for want, bounds := range map[string][2]float64{
		"":                           {math.Inf(-1), math.Inf(1)},
		" (between 1 and 2)":         {1, 2},
		" (between unknown and 2.5)": {math.Inf(-1), 2.5},
	} {
		if got := bounded(bounds[0], bounds[1]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
