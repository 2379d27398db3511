package analysis

import "slices"

// traffic is how the latest requests were split between the sides.
type traffic struct {
	looks []split
	sum   split
}

type split struct{ candidate, stable float64 }

// enoughRequests of each side tell how traffic is split.
const enoughRequests = 50

// latestLooks are remembered at most, however few requests they have.
const latestLooks = 10_000

func (t *traffic) add(candidate, stable float64) {
	t.looks = append(t.looks, split{candidate, stable})
	t.sum.candidate += candidate
	t.sum.stable += stable
	drop := 0
	for ; drop < len(t.looks)-1; drop++ {
		oldest := t.looks[drop]
		few := t.sum.candidate-oldest.candidate < enoughRequests || t.sum.stable-oldest.stable < enoughRequests
		if few && len(t.looks)-drop <= latestLooks {
			break
		}
		t.sum.candidate -= oldest.candidate
		t.sum.stable -= oldest.stable
	}
	t.looks = slices.Delete(t.looks, 0, drop)
}

// share is the candidate's part of the requests, as far as it can be told for w, whose looks were added last: by w itself, or, where it
// is too small for that, by the latest requests of the step.
func (t *traffic) share(w window) float64 {
	s := split{w.candidate.All, w.stable.All}
	if s.candidate < enoughRequests || s.stable < enoughRequests {
		s = t.sum
	}
	if s.candidate == 0 {
		return 0
	}
	return s.candidate / (s.candidate + s.stable)
}
