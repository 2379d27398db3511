package analysis

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// leastEvidence against a candidate's share d above stable's: over a fine grid of stable's shares, with the mixed likelihood as the product of
// what each request in turn was predicted to be.
func leastEvidence(candidate, stable Tally, d float64) float64 {
	mixed := func(t Tally) float64 {
		log := 0.0
		for i := range int(t.Bad) {
			log += math.Log((0.5 + float64(i)) / (50 + float64(i)))
		}
		for i := range int(t.All - t.Bad) {
			log += math.Log((49.5 + float64(i)) / (50 + t.Bad + float64(i)))
		}
		return log
	}
	likelihood := func(t Tally, p float64) float64 {
		log := 0.0
		if t.Bad > 0 {
			log += t.Bad * math.Log(p)
		}
		if good := t.All - t.Bad; good > 0 {
			log += good * math.Log(1-p)
		}
		return log
	}
	evidence, least := mixed(candidate)+mixed(stable), math.Inf(1)
	const cells = 4000
	for i := range cells + 1 {
		// Finer where shares are small.
		x := float64(i) / cells
		p := (1 - d) * x * x
		least = math.Min(least, evidence-likelihood(candidate, p+d)-likelihood(stable, p))
	}
	return least
}

func TestExcessIsTheLeastDifferenceThatIsRefuted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tally := func(side string) Tally {
			all := rapid.IntRange(1, 3000).Draw(t, side)
			return Tally{float64(rapid.IntRange(0, min(all, rapid.SampledFrom([]int{0, 5, 100, 3000}).Draw(t, "most"))).Draw(t, side+"'s bad")), float64(all)}
		}
		candidate, stable := tally("candidate"), tally("stable")
		risk := rapid.SampledFrom([]float64{0.1, 0.01, 0.001}).Draw(t, "risk")
		limit := math.Log(1 / risk)
		d := excess(candidate, stable, risk)
		if seen := candidate.Bad/candidate.All - stable.Bad/stable.All; d < seen || d > 1 || d <= 0 {
			t.Fatalf("excess %v, seen %v", d, seen)
		}
		// The grid is coarser than the truth, so its least is a little larger.
		if d < 1 {
			if least := leastEvidence(candidate, stable, d); least < limit {
				t.Errorf("%v is not refuted: %v of %v", d, least, limit)
			}
		}
		if below := 0.985 * d; below > candidate.Bad/candidate.All-stable.Bad/stable.All && d > 1e-5 {
			if least := leastEvidence(candidate, stable, below); least > limit+0.05 {
				t.Errorf("%v is refuted already: %v of %v; excess %v", below, least, limit, d)
			}
		}
	})
}

func TestExcessOfNothingIsAll(t *testing.T) {
	for _, c := range [][2]Tally{{{}, {}}, {{0, 100}, {}}, {{}, {0, 100}}} {
		near(t, "excess", excess(c[0], c[1], 0.01), 1)
	}
}

// More is known by more requests: of a candidate as good as stable the bound falls.
func TestExcessFallsWithRequests(t *testing.T) {
	last := 1.0
	for n := 100.0; n < 1e7; n *= 10 {
		now := excess(Tally{n / 100, n}, Tally{n / 20, 5 * n}, 0.01)
		if now >= last {
			t.Errorf("%v after %v requests, %v before", now, n, last)
		}
		last = now
	}
	if last > 0.001 {
		t.Errorf("%v after a million", last)
	}
}

// A candidate that is worse by the margin, exactly, passes at any look with a probability of at most the risk.
func TestWorseByTheMarginSeldomPasses(t *testing.T) {
	const runs, looks, risk = 150, 2000, 0.1
	for name, c := range map[string]struct {
		ours, theirs int
		bad, margin  float64
	}{
		"canary": {2, 18, 0.01, 0.01}, "half": {10, 10, 0.002, 0.01}, "nothing bad": {5, 20, 0, 0.02}, "much bad": {5, 5, 0.3, 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draw, passed := seeded(17), 0
			for range runs {
				var s sides
				for range looks {
					s.add(Tally{float64(draw.binomial(c.ours, c.bad+c.margin)), float64(c.ours)}, Tally{float64(draw.binomial(c.theirs, c.bad)), float64(c.theirs)})
					if refuted(newBinomial(s.candidate), newBinomial(s.stable), c.margin, math.Log(1/risk)) {
						passed++
						break
					}
				}
			}
			t.Logf("%d of %d passed", passed, runs)
			if passed > risk*runs {
				t.Errorf("%d of %d passed, want at most %v", passed, runs, risk*runs)
			}
		})
	}
}

// What a plan says that a step needs is what it takes.
func TestNeededIsWhatItTakes(t *testing.T) {
	const runs = 40
	for _, c := range []struct{ confidence, margin, bad, weight float64 }{
		{0.99, 0.01, 0, 0.25}, {0.99, 0.01, 0.01, 0.25}, {0.9, 0.02, 0.05, 0.5}, {0.99, 0.01, 0.002, 0.05}, {0.99, 0.01, 0.01, 1},
	} {
		want := Needed(c.confidence, c.margin, c.bad, c.weight)
		draw, total := seeded(19), 0.0
		other := int(10 * (1 - c.weight) / c.weight)
		for range runs {
			var s sides
			if c.weight == 1 {
				s.stable = Tally{float64(draw.binomial(200_000, c.bad)), 200_000}
			}
			for s.candidate.All < 20*want && excess(s.candidate, s.stable, 1-c.confidence) > c.margin {
				s.add(Tally{float64(draw.binomial(10, c.bad)), 10}, Tally{float64(draw.binomial(other, c.bad)), float64(other)})
			}
			total += s.candidate.All
		}
		if ratio := total / runs / want; ratio < 0.5 || ratio > 2 {
			t.Errorf("%+v: %v requests in the mean, and %v were said", c, total/runs, want)
		} else {
			t.Logf("%+v: %v requests in the mean, and %v were said", c, total/runs, want)
		}
	}
}

func TestNeededAtTheEnds(t *testing.T) {
	near(t, "no margin", Needed(0.99, 0, 0.01, 0.5), 0)
	near(t, "a margin that allows all", Needed(0.99, 1, 0.5, 0.5), 1)
	if n := Needed(0.99, 1e-7, 0.5, 0.01); !math.IsInf(n, 1) {
		t.Errorf("%v requests would do", n)
	}
	if little, much := Needed(0.99, 0.01, 0.01, 0.5), Needed(0.99, 0.001, 0.01, 0.5); much < 10*little {
		t.Errorf("%v for a tenth of the margin, %v for it", much, little)
	}
}
