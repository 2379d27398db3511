package analysis

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A second formulation of the evidence, from the whole history at once and without recursion: for each time at which a fault may begin,
// what is staked on it times the mean of the likelihood ratio of all that came since. What is not staked at a time t, after so many steps,
// is 0.15·0.8^steps·60/(60+t).

// factor is a window, with the time of its first look's end and the steps begun before it.
type factor struct {
	at    time.Duration
	steps int
	lr    func(r float64) float64
}

func unstaked(at time.Duration, steps int) float64 {
	return 0.15 * math.Pow(0.8, float64(steps)) * 60 / (60 + at.Seconds())
}

// defined is the evidence of windows after a time at which steps have begun; began are the times of the steps.
func defined(windows []factor, began []time.Duration) float64 {
	since := func(n int) float64 {
		return mixed(func(r float64) float64 {
			product := 1.0
			for _, w := range windows[n:] {
				product *= w.lr(r)
			}
			return product
		})
	}
	sum, left, steps := 0.85*since(0), 0.15, 0
	for n := 0; n <= len(windows); n++ {
		// What was staked by the steps before this window.
		for steps < len(began) && (n == len(windows) || windows[n].steps > steps) {
			stake := left * 0.2
			sum, left, steps = sum+stake*since(n), left-stake, steps+1
		}
		if n == len(windows) {
			break
		}
		after := unstaked(windows[n].at, windows[n].steps)
		sum, left = sum+(left-after)*since(n), after
	}
	return sum + left
}

// glance is a look at one or both sides, and whether a step begins before it.
type glance struct {
	step              bool
	took              time.Duration
	candidate, stable Tally
}

func drawGlance(least, most int) func(t *rapid.T) glance {
	return func(t *rapid.T) glance {
		g := glance{
			step: rapid.IntRange(0, 5).Draw(t, "step") == 0,
			took: time.Duration(rapid.SampledFrom([]int{200, 500, 1000, 3000}).Draw(t, "ms")) * time.Millisecond,
		}
		side := func(name string) Tally {
			all := rapid.IntRange(least, most).Draw(t, name)
			bad := 0
			if rapid.Bool().Draw(t, name+" fails") {
				bad = rapid.IntRange(0, min(all, 12)).Draw(t, name+"'s bad")
			}
			return Tally{float64(bad), float64(all)}
		}
		g.candidate, g.stable = side("candidate"), side("stable")
		return g
	}
}

// windowsOf are the looks of each window. One opens where opens says so, and closes when it has lasted for as long as length says.
func windowsOf(looks []glance, opens func(glance) bool, length func(sum glance) time.Duration) (windows []factor, sums []glance, began []time.Duration) {
	var at time.Duration
	open := false
	for _, l := range looks {
		if l.step {
			open, began = false, append(began, at)
		}
		at += l.took
		if last := len(sums) - 1; open && sums[last].took < length(sums[last]) {
			sums[last] = glance{
				took:      sums[last].took + l.took,
				candidate: sums[last].candidate.plus(l.candidate), stable: sums[last].stable.plus(l.stable),
			}
			continue
		}
		if open = opens(l); open {
			windows, sums = append(windows, factor{at: at, steps: len(began)}), append(sums, l)
		}
	}
	return windows, sums, began
}

func TestAbsoluteIsAsDefined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		allowed := rapid.SampledFrom([]float64{0.001, 0.05, 0.3, 1}).Draw(t, "allowed")
		burstless := rapid.Bool().Draw(t, "burstless")
		looks := rapid.SliceOfN(rapid.Custom(drawGlance(0, 60)), 1, 25).Draw(t, "looks")
		a := newAbsolute(2*second, usualTerms)
		for _, l := range looks {
			if l.step {
				a.step()
			}
			a.add(l.candidate, l.took, allowed, burstless)
		}
		windows, sums, began := windowsOf(looks, func(glance) bool { return true }, func(glance) time.Duration { return 2 * second })
		for i, s := range sums {
			bad, all := s.candidate.Bad, s.candidate.All
			if mean := allowed * all; !burstless {
				bad = min(bad, max(1, math.Floor(mean+3*math.Sqrt(mean)), 1.6*mean))
			}
			windows[i].lr = func(r float64) float64 {
				ratio := math.Pow(r, bad) / math.Pow(1-allowed+allowed*r, all)
				if !burstless { // Three windows bring what it takes, and one at most a third.
					ratio = math.Min(ratio, math.Pow(100*math.Exp(0.5), 1./3))
				}
				return ratio
			}
		}
		same(t, a.value(), defined(windows, began))
	})
}

// Without any bad one of stable, bad ones count one by one; and where stable is known to fail too little is known to tell what is usual, so
// what is bad on one side within a window counts as one.
func TestComparisonIsAsDefined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		single := rapid.Bool().Draw(t, "one by one")
		looks := rapid.SliceOfN(rapid.Custom(drawGlance(50, 300)), 1, 18).Draw(t, "looks")
		e := newComparison(2*second, terms{limit: 100, whole: 100, minBad: 3})
		if single {
			e.terms.whole = 0
			for i := range looks {
				looks[i].stable.Bad = 0
			}
		}
		if e.dirty = !single; !single {
			for i := range looks { // So that too little is known.
				looks[i].took = min(looks[i].took, second)
			}
		}
		for _, l := range looks {
			if l.step {
				e.step()
			}
			e.add(l.candidate, l.stable, l.took)
		}
		windows, sums, began := windowsOf(looks, func(l glance) bool { return l.candidate.Bad+l.stable.Bad > 0 }, func(sum glance) time.Duration {
			switch {
			case single:
				return 0
			case sum.candidate.Bad >= 3 || sum.stable.Bad >= 3:
				return 4 * second
			}
			return 2 * second
		})
		for i, s := range sums {
			share := s.candidate.All / (s.candidate.All + s.stable.All)
			windows[i].lr = func(r float64) float64 {
				if single {
					return math.Pow(r/(1+share*(r-1)), s.candidate.Bad)
				}
				ours, theirs := math.Pow(r, s.candidate.Bad), math.Pow(r, s.stable.Bad)
				return ours / (1 - share + share*ours) / (1 - share + share*theirs)
			}
		}
		same(t, e.value(), defined(windows, began))
	})
}

func same(t *rapid.T, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Max(want, 1e-12)) {
		t.Fatalf("evidence %v, by its definition %v", got, want)
	}
}
