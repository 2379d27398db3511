package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// chance draws counts; the seed is fixed, so every run of a test sees the same.
type chance struct{ *rand.Rand }

func seeded(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 42))} } // #nosec G404 -- wanted: the same every time.

// binomial draws how many of n are bad, by the gaps between bad ones: cheap where they are rare.
func (c chance) binomial(n int, p float64) int {
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - c.binomial(n, 1-p)
	}
	bad := 0
	for at := -1; ; bad++ {
		gap := math.Log1p(-c.Float64()) / math.Log1p(-p)
		if gap >= float64(n) {
			return bad
		}
		if at += 1 + int(gap); at >= n {
			return bad
		}
	}
}

// poisson draws a number of events, of which so many are expected.
func (c chance) poisson(mean float64) int {
	n := 0
	for left := mean - c.ExpFloat64(); left > 0; left -= c.ExpFloat64() {
		n++
	}
	return n
}

func (c chance) failing(all int, p float64) Counts {
	return failing(float64(c.binomial(all, p)), float64(all))
}

// failing counts bad errors of all requests.
func failing(bad, all float64) Counts { return Counts{Requests: all, Errors: bad, Timed: all} }

// looked is a look of one second.
func looked(j Judge, candidate, stable Counts) Verdict {
	return j.Look(Look{Took: time.Second, Candidate: candidate, Stable: stable})
}

func judgeOf(t interface {
	Helper()
	Fatal(...any)
}, c Config) Judge {
	t.Helper()
	j, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

// usualTerms are those of a single rule with a confidence of 0.99.
var usualTerms = terms{limit: 100, whole: 100, minBad: 3}
