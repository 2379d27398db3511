package analysis

import "math"

// recent tells whether a share is above what is allowed now, and restores nothing: what was long ago counts neither for nor
// against. It is a sum of likelihood ratios that never falls below 0 (a CUSUM; Page, 1954), and no e-process.
type recent struct {
	log     perRatio
	ceiling float64
}

// newRecent is at its limit when the evidence of the latest requests is.
func newRecent(limit float64) recent {
	// Enough for a single ratio to carry the mean over the limit, and no more: it wears off as fast as it came.
	return recent{ceiling: math.Log(limit*float64(len(ratios))) + 1}
}

func (r *recent) add(t Tally, allowed float64) {
	for i, theta := range logRatios {
		if allowed == 0 {
			r.log[i] = 0 // Infinite evidence would never wear off.
		}
		r.log[i] = min(max(r.log[i], 0)+absoluteGain(t, theta, allowed), r.ceiling)
	}
}

// quiet tells whether there is nothing above what is allowed.
func (r *recent) quiet() bool {
	for _, l := range r.log {
		if l > 0 {
			return false
		}
	}
	return true
}

// reaches tells whether the evidence is at limit now.
func (r *recent) reaches(limit float64) bool {
	sum := math.Inf(-1)
	for _, l := range r.log {
		sum = logSum(sum, l)
	}
	return sum-math.Log(float64(len(ratios))) >= math.Log(limit)
}
