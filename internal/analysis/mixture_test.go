package analysis

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

func (m *mixture) value() float64 { return evidence(m.logEvidence()) }

func TestEvidenceByHand(t *testing.T) {
	var m mixture
	near(t, "nothing seen", m.value(), 1)
	// One of one where 5 % are allowed: the mean of r/(1+r/20-1/20) over 1.5, 2, 3, 5, 10, 100, 1000.
	m.add(1, 1, 0.05)
	near(t, "1 of 1", m.value(), (1.5/1.025+2/1.05+3/1.1+5/1.2+10/1.45+100/5.95+1000/50.95)/7)
	near(t, "1 of 1", m.value(), 7.6560679605546555)
	// Two of two: the mean of the squares, not the square of the mean.
	m.add(1, 1, 0.05)
	near(t, "2 of 2", m.value(), (1.5*1.5/1.025/1.025+4/1.05/1.05+9/1.1/1.1+25/1.2/1.2+100/1.45/1.45+1e4/5.95/5.95+1e6/50.95/50.95)/7)

	// Two intervals with other shares: 2 of 3 bad ones at a tenth of the requests, then 3 of 4 at a half.
	var versus mixture
	versus.add(2, 3, 0.1)
	versus.add(3, 4, 0.5)
	want := 0.0
	for _, r := range []float64{1.5, 2, 3, 5, 10, 100, 1000} {
		want += r * r / math.Pow(0.9+0.1*r, 3) * r * r * r / math.Pow(0.5+0.5*r, 4) / 7
	}
	near(t, "two intervals", versus.value(), want)
}

func TestEvidenceAtTheEnds(t *testing.T) {
	var none, all, huge mixture
	none.add(0, 1e6, 0)
	near(t, "none allowed and none seen", none.value(), 1)
	none.add(1, 1, 0)
	none.add(0, 1e6, 0)
	if none.value() != math.MaxFloat64 {
		t.Errorf("none allowed and one seen: %v", none.value())
	}
	all.add(1e15, 1e15, 1)
	if all.value() > 1 {
		t.Errorf("all allowed and all bad: %v", all.value())
	}
	for range 1000 {
		huge.add(largestCount, largestCount, 0.01)
	}
	if huge.value() != math.MaxFloat64 {
		t.Errorf("no end of bad ones: %v", huge.value())
	}
	huge.clear()
	for range 1000 {
		huge.add(0, largestCount, 0.01)
	}
	if huge.value() != 0 {
		t.Errorf("no end of good ones: %v", huge.value())
	}
}

// Under the hypothesis the expected evidence is 1, and less where fewer are bad: that is what makes it one. Summed up over
// all outcomes, not sampled.
func TestEvidenceExpectsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "events")
		limit := rapid.Float64Range(0.001, 0.999).Draw(t, "share")
		truth := limit * rapid.Float64Range(0, 1).Draw(t, "part of the share")
		at, below := 0.0, 0.0
		for b := range n + 1 {
			var m mixture
			m.add(float64(b), float64(n), limit)
			at += binomial(n, b, limit) * m.value()
			below += binomial(n, b, truth) * m.value()
		}
		if math.Abs(at-1) > 1e-9 {
			t.Errorf("expected evidence %v, want 1", at)
		}
		if below > 1+1e-9 {
			t.Errorf("expected evidence %v where a share of %v is bad, want at most 1", below, truth)
		}
	})
}

// Requests are drawn without replacement: of all bad ones of an interval, each request is as likely to be one.
func TestComparisonExpectsAtMostOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidate := rapid.IntRange(1, 30).Draw(t, "candidate's requests")
		stable := rapid.IntRange(1, 30).Draw(t, "stable's requests")
		bad := rapid.IntRange(0, candidate+stable).Draw(t, "bad ones of both")
		sum, expected := 0.0, 0.0
		for b := max(0, bad-stable); b <= min(bad, candidate); b++ {
			var m mixture
			m.add(float64(b), float64(bad), float64(candidate)/float64(candidate+stable))
			p := math.Exp(logChoose(candidate, b) + logChoose(stable, bad-b) - logChoose(candidate+stable, bad))
			sum, expected = sum+p, expected+p*m.value()
		}
		if math.Abs(sum-1) > 1e-9 || expected > 1+1e-9 {
			t.Errorf("expected evidence %v (of probability %v), want at most 1", expected, sum)
		}
	})
}

func binomial(n, k int, p float64) float64 {
	if p == 0 {
		if k == 0 {
			return 1
		}
		return 0
	}
	return math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
