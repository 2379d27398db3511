package analysis

import (
	"math"

	"github.com/aclements/go-moremath/stats"
)

// differences are all differences of one of x and one of y, both in ascending order, without being held.
type differences struct{ x, y []float64 }

func (d differences) len() int { return len(d.x) * len(d.y) }

// atMost counts the differences that are at most limit, in one pass: rounded differences, too, never fall with x nor rise with y.
func (d differences) atMost(limit float64) int {
	count, j := 0, 0
	for _, x := range d.x {
		for j < len(d.y) && x-d.y[j] > limit {
			j++
		}
		count += len(d.y) - j
	}
	return count
}

// nth is the n'th smallest difference, from 1: the smallest number that n of them do not exceed, found by bisection of all
// numbers, 64 passes at most.
func (d differences) nth(n int) float64 {
	low, high := order(d.x[0]-d.y[len(d.y)-1]), order(d.x[len(d.x)-1]-d.y[0])
	for low < high {
		middle := low + (high-low)/2
		if d.atMost(ordered(middle)) >= n {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if ordered(low) == 0 {
		return 0 // Not the negative one.
	}
	return ordered(low)
}

// median of the differences is the Hodges-Lehmann estimate of how far x is shifted against y.
func (d differences) median() float64 {
	n := d.len()
	if n%2 == 1 {
		return d.nth(n/2 + 1)
	}
	return d.nth(n/2)/2 + d.nth(n/2+1)/2
}

const sign = 1 << 63

// order maps numbers to integers of the same order, and ordered maps them back.
func order(x float64) uint64 {
	bits := math.Float64bits(x)
	if bits&sign != 0 {
		return ^bits
	}
	return bits | sign
}

func ordered(i uint64) float64 {
	if i&sign != 0 {
		return math.Float64frombits(i &^ sign)
	}
	return math.Float64frombits(^i)
}

// exactLimit is the number of values a side up to which U has its exact distribution. Above it the normal one is close, and
// wider in the tails, as U is bounded: an error on the safe side.
const exactLimit = 20

// critical is the largest u that U, the number of pairs of n and m values in which the first is the smaller one, does not
// exceed with a probability above risk when both are drawn from one distribution; -1 when there is none, as in that many
// values nothing is as rare as that.
//
// Sources: H. B. Mann, D. R. Whitney, On a test of whether one of two random variables is stochastically larger than the
// other, Ann. Math. Stat. 18 (1947), for both distributions; the correction for continuity as in wilcox.test of R.
func critical(n, m int, risk float64) float64 {
	pairs := float64(n) * float64(m)
	if n < 1 || m < 1 {
		return -1
	}
	if n > exactLimit || m > exactLimit {
		z := math.Sqrt2 * math.Erfinv(1-2*risk)
		return max(-1, math.Floor(pairs/2-0.5-z*math.Sqrt(pairs*float64(n+m+1)/12)))
	}
	u := stats.UDist{N1: n, N2: m}
	low, high := -1, n*m // u is at least low and below high.
	for high-low > 1 {
		if middle := (low + high) / 2; u.CDF(float64(middle)) <= risk {
			low = middle
		} else {
			high = middle
		}
	}
	return float64(low)
}

// outside is how many of the smallest, and of the largest, differences lie outside of an interval that misses the true shift
// with a probability of at most risk on either side; false when there is no such interval. n and m are the effective numbers
// of values: the interval is the one that as many independent values would have, by the same part of all differences.
func (d differences) outside(n, m int, risk float64) (int, bool) {
	u := critical(n, m, risk)
	if u < 0 {
		return 0, false
	}
	// Not more than it would be without any correction; the small addend makes up for rounding.
	return int(u*(float64(d.len())/(float64(n)*float64(m))) + 1e-6), true
}
