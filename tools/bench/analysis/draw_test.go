package main

import (
	"math"
	"testing"
)

func TestDrawnNumbersHaveTheirMeanAndVariance(t *testing.T) {
	const draws = 200_000
	for name, d := range map[string]struct {
		draw           func(c chance) float64
		mean, variance float64
	}{
		"poisson, rare":         {func(c chance) float64 { return float64(c.poisson(0.01)) }, 0.01, 0.01},
		"poisson, few":          {func(c chance) float64 { return float64(c.poisson(12)) }, 12, 12},
		"poisson, many":         {func(c chance) float64 { return float64(c.poisson(900)) }, 900, 900},
		"poisson, none":         {func(c chance) float64 { return float64(c.poisson(0)) }, 0, 0},
		"binomial, few":         {func(c chance) float64 { return float64(c.binomial(10, 0.3)) }, 3, 2.1},
		"binomial, rare":        {func(c chance) float64 { return float64(c.binomial(1000, 0.001)) }, 1, 0.999},
		"binomial, many":        {func(c chance) float64 { return float64(c.binomial(1000, 0.4)) }, 400, 240},
		"binomial, most":        {func(c chance) float64 { return float64(c.binomial(1000, 0.99)) }, 990, 9.9},
		"binomial, all":         {func(c chance) float64 { return float64(c.binomial(7, 1)) }, 7, 0},
		"geometric":             {func(c chance) float64 { return float64(c.geometric(10)) }, 10, 90},
		"geometric, always one": {func(c chance) float64 { return float64(c.geometric(1)) }, 1, 0},
		"gamma":                 {func(c chance) float64 { return c.gamma(0.5) }, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := seeded(1, name, 0)
			x := make([]float64, draws)
			for i := range x {
				x[i] = d.draw(c)
			}
			mean, variance := moments(x)
			// Six standard errors of the mean; the variance of these is known to a few percent.
			if e := 6*math.Sqrt(d.variance/draws) + 1e-9; math.Abs(mean-d.mean) > e {
				t.Errorf("mean %v, want %v within %v", mean, d.mean, e)
			}
			if math.Abs(variance-d.variance) > 0.1*d.variance+1e-9 {
				t.Errorf("variance %v, want %v", variance, d.variance)
			}
		})
	}
}

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	c := badCases[0]
	draw := func(seed uint64, run int) course {
		got, err := c.run(seeded(seed, c.name, run), c.fault, 0)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	same := func(a, b course) bool {
		return a.restored == b.restored && a.answers == b.answers && a.served[0][0] == b.served[0][0] && a.served[1][74] == b.served[1][74]
	}
	if !same(draw(1, 3), draw(1, 3)) {
		t.Error("the same run was another one")
	}
	if same(draw(1, 3), draw(1, 4)) || same(draw(1, 3), draw(2, 3)) {
		t.Error("another run, or another seed, was the same")
	}
}

func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, variance
}
