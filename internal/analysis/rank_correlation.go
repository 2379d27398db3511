package analysis

import (
	"math"
	"slices"
)

const (
	// surely is the number of standard errors by which a correlation is taken to be larger than it was estimated: what looks
	// independent by chance must not count as such.
	surely = 1.5
	// constantTime is the correlation time of values that are all equal, of which nothing can be learned: as if such a
	// gauge were free to change every eighth look.
	constantTime = 8.0
)

// correlationTime tells how many consecutive values are worth as much as one independent value: an upper bound of the
// integrated autocorrelation time 1 + 2·Σ ρ(lag), at least 1, +Inf when there are too few values to tell. A gauge that is read
// each second hardly changes between two looks; each reading taken for an independent one, every release would be found
// to differ.
//
// The autocorrelation is that of the ranks of the values among each other: the variance of U depends on it, and neither outliers
// nor a tail without a variance disturb it. Lags are summed up to five times the time itself (automatic windowing), the sum is
// corrected for the mean being estimated from the same values, and raised by its standard error.
//
// Sources: N. Madras, A. D. Sokal, The pivot algorithm, J. Stat. Phys. 50 (1988), appendix C; U. Wolff, Monte Carlo errors with
// less errors, arXiv hep-lat/0306017, equations 42 and 49 (with his τ half of ours).
func correlationTime(values []float64) float64 {
	deviations, variance := centredRanks(values)
	if variance == 0 {
		return constantTime
	}
	n := float64(len(values))
	time := 1.0
	for lag := 1; lag < len(values)/2; lag++ {
		time += 2 * autocorrelation(deviations, variance, lag)
		if window := float64(lag); window >= 2.5*time {
			time = max(1, time*(1+(2*window+1)/n))
			return time * (1 + surely*math.Sqrt((4*window+2)/n))
		}
	}
	return math.Inf(1)
}

// neighbourTime is what correlationTime would be if all correlation were that of neighbouring values (an autoregressive process of
// first order): (1+ρ)/(1-ρ) for an upper bound of ρ at lag 1. It is cruder, and unlike correlationTime it stays small for values
// that are independent but for one sudden change: a candidate that turns bad in the middle of a release.
//
// Sources: M. G. Kendall, Note on bias in the estimation of autocorrelation, Biometrika 41 (1954) for the bias, (1+3ρ)/n; M. S.
// Bartlett, On the theoretical specification and sampling properties of autocorrelated time-series (1946) for the standard error.
func neighbourTime(values []float64) float64 {
	deviations, variance := centredRanks(values)
	if variance == 0 {
		return constantTime
	}
	n := float64(len(values))
	r := autocorrelation(deviations, variance, 1)
	r = max(0, r+(1+3*r)/n+surely*math.Sqrt((1-r*r)/n))
	if r >= 1 {
		return math.Inf(1)
	}
	return (1 + r) / (1 - r)
}

// autocorrelation of deviations from the mean at a lag; variance is the sum of their squares.
func autocorrelation(deviations []float64, variance float64, lag int) float64 {
	sum := 0.0
	for i := lag; i < len(deviations); i++ {
		sum += deviations[i] * deviations[i-lag]
	}
	return sum / variance
}

// centredRanks are the ranks of values in their order, less the mean rank, and the sum of their squares. Equal values share
// the mean of their ranks.
func centredRanks(values []float64) (deviations []float64, squares float64) {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	deviations = make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		deviation := float64(from+to-1)/2 - float64(len(values)-1)/2
		for ; from < to; from++ {
			deviations[order[from]] = deviation
			squares += deviation * deviation
		}
	}
	return deviations, squares
}
