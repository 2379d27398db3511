package analysis

import (
	"math"
	"slices"
	"testing"
)

// pairs draws what both sides measure at one look after the other.
type pairs func(look int) (candidate, stable float64)

// alike draws two sides of one kind, the candidate shifted.
func (c chance) alike(correlation, shift float64) pairs {
	candidate, stable := c.wandering(correlation), c.wandering(correlation)
	return func(int) (float64, float64) { return candidate.next() + shift, stable.next() }
}

// wandering draws an autoregressive process of first order with a standard deviation of 1: correlation is that of neighbours.
type wandering struct {
	chance
	correlation, value float64
}

func (c chance) wandering(correlation float64) *wandering {
	return &wandering{chance: c, correlation: correlation, value: c.NormFloat64()}
}

func (g *wandering) next() float64 {
	g.value = g.correlation*g.value + math.Sqrt(1-g.correlation*g.correlation)*g.NormFloat64()
	return g.value
}

// found is the look at which a candidate was first found worse, 0 for never.
func (r *ranks) found(looks int, direction Direction, tolerance, risk float64, next pairs) int {
	for look := range looks {
		r.add(next(look))
		if r.judge(direction, tolerance, risk).worse {
			return look + 1
		}
	}
	return 0
}

// Half an hour of looks a second, at a risk of 5 %.
func TestFalseAlarmsOfRanksAreAsRareAsPromised(t *testing.T) {
	const runs, looks, risk = 250, 1800, 0.05
	for name, c := range map[string]struct {
		direction Direction
		tolerance float64
		draw      func(c chance, r *ranks) pairs
	}{
		"independent":       {Either, 0, func(c chance, _ *ranks) pairs { return c.alike(0, 0) }},
		"hardly changing":   {Down, 0, func(c chance, _ *ranks) pairs { return c.alike(0.5, 0) }},
		"very hardly":       {Up, 0, func(c chance, _ *ranks) pairs { return c.alike(0.9, 0) }},
		"worse by just 5 %": {Up, 0.05, func(c chance, _ *ranks) pairs { return above(100, c.alike(0.5, -5)) }},
		"stable changes less": {Down, 0, func(c chance, _ *ranks) pairs {
			candidate := c.wandering(0.9)
			return func(int) (float64, float64) { return candidate.next(), c.NormFloat64() }
		}},
		"few values": {Either, 0, func(c chance, _ *ranks) pairs {
			next := c.alike(0.9, 0)
			return func(look int) (float64, float64) {
				candidate, stable := next(look)
				return math.Round(candidate), math.Round(stable)
			}
		}},
		"time of day": {Down, 0, func(c chance, _ *ranks) pairs {
			next := c.alike(0.5, 0)
			return func(look int) (float64, float64) {
				candidate, stable := next(look)
				shared := 3 * math.Sin(float64(look)/300)
				return candidate + shared, stable + shared
			}
		}},
		"a slow walk and as much noise, with five minutes before": {Down, 0, func(c chance, r *ranks) pairs {
			slow := c.alike(0.97, 0)
			noisy := func(look int) (float64, float64) {
				candidate, stable := slow(look)
				return candidate + c.NormFloat64(), stable + c.NormFloat64()
			}
			for range 300 {
				_, stable := noisy(0)
				r.before(stable)
			}
			return noisy
		}},
	} {
		t.Run(name, func(t *testing.T) {
			draw, alarms := seeded(17), 0.0
			for range runs {
				var r ranks
				if r.found(looks, c.direction, c.tolerance, risk, c.draw(draw, &r)) > 0 {
					alarms++
				}
			}
			most := upperBound(Tally{Bad: alarms, All: runs}, 0.025)
			t.Logf("%v of %d, at most %.1f %%", alarms, runs, 100*most)
			if most > risk {
				t.Errorf("%v false alarms in %d releases, so up to %.1f %%, want at most %v %%", alarms, runs, 100*most, 100*risk)
			}
		})
	}
}

func above(level float64, next pairs) pairs {
	return func(look int) (float64, float64) {
		candidate, stable := next(look)
		return level + candidate, level + stable
	}
}

// Two standard deviations, at a risk of 1 %.
func TestAShiftIsFoundSoon(t *testing.T) {
	const runs, looks, risk = 60, 1800, 0.01
	for name, c := range map[string]struct {
		draw         func(c chance) pairs
		median, most int
	}{
		"independent":     {func(c chance) pairs { return c.alike(0, 2) }, 32, 96},
		"hardly changing": {func(c chance) pairs { return c.alike(0.5, 2) }, 96, 384},
		"very hardly":     {func(c chance) pairs { return c.alike(0.9, 2) }, 512, 1536},
		"half of it":      {func(c chance) pairs { return c.alike(0, 1) }, 64, 192},
		"after five minutes": {func(c chance) pairs {
			next := c.alike(0, 0)
			return func(look int) (float64, float64) {
				candidate, stable := next(look)
				return candidate + 2*float64(min(1, look/300)), stable
			}
		}, 512, 512},
	} {
		t.Run(name, func(t *testing.T) {
			draw, looksTo := seeded(19), make([]int, runs)
			for i := range looksTo {
				var r ranks
				if looksTo[i] = r.found(looks, Down, 0, risk, c.draw(draw)); looksTo[i] == 0 {
					t.Fatal("never found")
				}
			}
			slices.Sort(looksTo)
			median, most := looksTo[runs/2], looksTo[runs-1]
			t.Logf("found after %d looks in the median, %d at most", median, most)
			if median > c.median || most > c.most {
				t.Errorf("found after %d looks in the median, %d at most, want %d and %d", median, most, c.median, c.most)
			}
		})
	}
}

// The other error: to call good what is worse than the tolerance, however little.
func TestAWorseGaugeIsRarelyGood(t *testing.T) {
	const runs, looks, risk = 250, 1800, 0.05
	draw, passed := seeded(23), 0.0
	for range runs {
		var r ranks
		next := above(100, draw.alike(0.5, -5))
		for look := range looks {
			r.add(next(look))
			if r.judge(Up, 0.05, risk).good {
				passed++
				break
			}
		}
	}
	if most := upperBound(Tally{Bad: passed, All: runs}, 0.025); most > risk {
		t.Errorf("%v of %d called good, so up to %.1f %%, want at most %v %%", passed, runs, 100*most, 100*risk)
	}
}
