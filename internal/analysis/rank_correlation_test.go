package analysis

import (
	"math"
	"slices"
	"testing"
)

func TestRanksOfValues(t *testing.T) {
	deviations, squares := centredRanks([]float64{7, 1e9, -3, 7})
	if want := []float64{0, 1.5, -1.5, 0}; !slices.Equal(deviations, want) || squares != 4.5 {
		t.Errorf("%v and %v, want %v and 4.5", deviations, squares, want)
	}
}

// The correlation of ranks of a normal process is (6/π)·asin(ρ/2).
func timeOf(correlation float64) float64 {
	time := 1.0
	for lag := 1.0; lag < 1000; lag++ {
		time += 12 / math.Pi * math.Asin(math.Pow(correlation, lag)/2)
	}
	return time
}

func TestCorrelationTimes(t *testing.T) {
	for _, c := range []struct {
		correlation float64
		values      int
		// most is how many times too long the mean of the bounds may be.
		most float64
	}{{0, 1900, 1.2}, {0, 100, 2}, {0.5, 1900, 1.4}, {0.9, 1900, 1.6}, {0.9, 400, 2.5}} {
		draw, want := seeded(5), timeOf(c.correlation)
		for name, bound := range map[string]func([]float64) float64{"all lags": correlationTime, "neighbours": neighbourTime} {
			const runs = 200
			mean, short := 0.0, 0
			for range runs {
				g := draw.wandering(c.correlation)
				values := make([]float64, c.values)
				for i := range values {
					values[i] = g.next()
				}
				time := bound(values)
				mean += time / runs
				if time < want*0.95 {
					short++
				}
			}
			t.Logf("%v, %d values, %s: mean %.2f, want %.2f; %d of %d too short", c.correlation, c.values, name, mean, want, short, runs)
			if mean < want || mean > c.most*want || short > runs/6 {
				t.Errorf("%v, %d values, %s: mean %.2f, want %.2f; %d of %d too short", c.correlation, c.values, name, mean, want, short, runs)
			}
		}
	}
}

// One sudden change looks like a long memory by all lags, and like a short one by neighbours.
func TestASuddenChangeIsNoLongMemory(t *testing.T) {
	draw := seeded(9)
	values := make([]float64, 400)
	for i := range values {
		values[i] = draw.NormFloat64() + 5*float64(i/200)
	}
	if all, neighbours := correlationTime(values), neighbourTime(values); all < 40 || neighbours > 12 {
		t.Errorf("%v by all lags, %v by neighbours", all, neighbours)
	}
}

func TestCorrelationAtTheEnds(t *testing.T) {
	rising := make([]float64, 100)
	for i := range rising {
		rising[i] = float64(i)
	}
	alternating := make([]float64, 100)
	for i := range alternating {
		alternating[i] = float64(i % 2)
	}
	for name, c := range map[string]struct {
		values   []float64
		from, to float64
	}{
		"constant": {make([]float64, 30), constantTime, constantTime}, "rising": {rising, 15, math.Inf(1)}, "alternating": {alternating, 1, 2},
		"one": {[]float64{1}, 1, math.Inf(1)}, "two": {[]float64{1, 2}, 1, math.Inf(1)}, "none": {nil, 1, math.Inf(1)},
	} {
		for by, time := range map[string]float64{"all lags": correlationTime(c.values), "neighbours": neighbourTime(c.values)} {
			if !(time >= c.from && time <= c.to) {
				t.Errorf("%s by %s: %v, want %v to %v", name, by, time, c.from, c.to)
			}
		}
	}
}
