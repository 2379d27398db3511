package analysis

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func draw(t *rapid.T) Config {
	c := Config{Confidence: rapid.Float64Range(0.5, 0.999).Draw(t, "confidence")}
	share := rapid.Float64Range(0, 1)
	handling := func() Handling {
		return Handling{DryRun: rapid.IntRange(0, 9).Draw(t, "dry_run") == 0, Uncritical: rapid.IntRange(0, 5).Draw(t, "uncritical") == 0}
	}
	if rapid.Bool().Draw(t, "errors") {
		c.Errors = &ErrorRule{VersusStable: true, Margin: share.Draw(t, "margin"), Handling: handling()}
		if rapid.Bool().Draw(t, "errors limited") {
			c.Errors.MaxRate = portion(share.Draw(t, "max_rate"))
			c.Errors.FailureLimit = some(rapid.IntRange(0, 3).Draw(t, "failure_limit"))
		}
	}
	if rapid.Bool().Draw(t, "latency") {
		c.Latency = &LatencyRule{Threshold: time.Second, MaxRatio: portion(share.Draw(t, "max_ratio")), VersusStable: rapid.Bool().Draw(t, "compared"), Handling: handling()}
	}
	if rapid.Bool().Draw(t, "business") {
		c.Business = map[string]BusinessRule{
			"orders": {Query: "q", Direction: Either, VersusStableMin: portion(0.9), VersusStableMax: portion(1.1), Handling: handling()},
			"heap":   {Query: "q", Gauge: true, Direction: Down, VersusStableMax: portion(1.1), Max: portion(5), Handling: handling()},
		}
	}
	return c
}

// anyNumber is one that a source may give for a number.
func anyNumber(t *rapid.T, what string) float64 {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 100), func(n int) float64 { return float64(n) }),
		rapid.Float64Range(0, 1),
		rapid.Float64Range(0, largestCount),
		rapid.SampledFrom([]float64{0, 0, 1, 1e-300, 1e15, 1e300, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64}),
	).Draw(t, what)
}

func anyCounts(t *rapid.T, side string) Counts {
	c := Counts{Requests: anyNumber(t, side+"'s requests"), Timed: anyNumber(t, side+"'s timed")}
	c.Errors, c.Slow = c.Requests*rapid.Float64Range(0, 1).Draw(t, side+"'s errors"), c.Timed*rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, side+"'s slow")
	if rapid.IntRange(0, 9).Draw(t, side+" strange") == 0 {
		c.Errors = anyNumber(t, side+"'s strange errors")
	}
	return c
}

// Whatever is counted, there is a verdict of finite numbers.
func TestAnyCountsHaveAVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := judgeOf(t, draw(t))
		if rapid.Bool().Draw(t, "baseline") {
			j.Baseline(anyCounts(t, "baseline"))
		}
		for range rapid.IntRange(1, 40).Draw(t, "looks") {
			switch rapid.IntRange(0, 9).Draw(t, "else") {
			case 0:
				j.Step()
			case 1:
				j.Vouch(rapid.IntRange(0, 5).Draw(t, "checks"))
			}
			v := j.Look(Look{
				Took:      time.Duration(rapid.SampledFrom([]int{0, 1, 200, 1000, 60_000, 1 << 40, -5}).Draw(t, "ms")) * time.Millisecond,
				Candidate: anyCounts(t, "candidate"), Stable: anyCounts(t, "stable"),
				Series: map[string]Pair{
					"orders": {anyNumber(t, "candidate's orders"), anyNumber(t, "stable's orders")},
					"heap":   {anyNumber(t, "candidate's heap"), anyNumber(t, "stable's heap")},
				},
			})
			if _, err := json.Marshal(v); err != nil {
				t.Fatalf("%v: %+v", err, v)
			}
			for _, judged := range v.Judgements {
				if !(judged.Evidence >= 0) || !(judged.Excess >= 0 && judged.Excess <= 1) {
					t.Fatalf("%+v", judged)
				}
			}
			if v.Reason == "" {
				t.Fatalf("no reason for %s", v.Decision)
			}
		}
	})
}

func TestNothingPassesOnZeroMeasurements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		c.MinRequests = rapid.IntRange(0, 2).Draw(t, "minimum")
		j := judgeOf(t, c)
		if rapid.Bool().Draw(t, "baseline") {
			j.Baseline(failing(0, 1e6))
		}
		for range rapid.IntRange(1, 10).Draw(t, "looks") {
			if rapid.Bool().Draw(t, "step") {
				looked(j, failing(0, 100), failing(0, 100))
				j.Step()
			}
			if v := looked(j, Counts{}, drawCounts(t, "stable")); v.Decision == Pass {
				t.Fatalf("%s: %s", v.Decision, v.Reason)
			}
		}
	})
}

// Days of looks, at next to no traffic and at much, take no more memory than hours.
func TestMemoryIsBounded(t *testing.T) {
	for name, counts := range map[string][2]Tally{
		"nobody": {}, "hardly anybody": {{0, 0.0001}, {0, 0.0001}}, "candidate alone": {{1, 10}, {}}, "stable alone": {{}, {1, 10}}, "many": {{1, 1000}, {10, 1000}},
	} {
		c := newComparison(2*second, terms{limit: 100, whole: 100, minBad: 3})
		for range 30_000 {
			c.add(counts[0], counts[1], 200*time.Millisecond)
		}
		if n := len(c.traffic.looks); n > latestLooks+1 {
			t.Errorf("%s: %d looks are remembered", name, n)
		}
		if n, m := len(c.texture.windows), len(c.texture.lasted); n > latestWindows || m > latestBursts {
			t.Errorf("%s: %d windows and %d bursts are remembered", name, n, m)
		}
		if name == "many" && len(c.traffic.looks) > 2 {
			t.Errorf("%s: %d looks are remembered, and one would do", name, len(c.traffic.looks))
		}
	}
}

// The share is that of the window where it has enough requests, else that of the latest ones.
func TestShareOfTraffic(t *testing.T) {
	var x traffic
	at := func(what string, w window, want float64) { t.Helper(); near(t, what, x.share(w), want) }
	at("nothing seen", window{}, 0)
	for range 100 {
		x.add(1, 9)
	}
	at("a small window", window{candidate: Tally{All: 1}, stable: Tally{All: 1}}, 0.1)
	at("a large window", window{candidate: Tally{All: 100}, stable: Tally{All: 100}}, 0.5)
	// As many looks as have 50 requests of each side are the latest.
	for range 60 {
		x.add(5, 5)
	}
	at("after a change", window{}, 0.5)
}
