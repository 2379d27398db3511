package main

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// interval is where a probability lies that was met k times in n, with a confidence: C. J. Clopper, E. S. Pearson, The use of confidence
// or fiducial limits illustrated in the case of the binomial, Biometrika 26 (1934). It errs on the wide side.
func clopperPearson(k, n int, confidence float64) (low, high float64) {
	tail := (1 - confidence) / 2
	low, high = 0, 1
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return low, high
}

// sample is figures of runs, one a run. What did not happen is infinite.
type sample []float64

// quantile is the least figure that a share of all does not exceed; NaN of none.
func (s sample) quantile(share float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

func (s sample) median() float64 { return s.quantile(0.5) }
func (s sample) p95() float64    { return s.quantile(0.95) }

// finite is the share of what happened.
func (s sample) finite() float64 {
	n := 0
	for _, x := range s {
		if !math.IsInf(x, 1) {
			n++
		}
	}
	return float64(n) / float64(len(s))
}

// mean takes what did not happen for happening at the end.
func (s sample) mean(end float64) float64 {
	sum := 0.0
	for _, x := range s {
		sum += min(x, end)
	}
	return sum / float64(len(s))
}
