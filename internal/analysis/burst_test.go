package analysis

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCostIsAsDefined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bad := float64(rapid.IntRange(0, 40).Draw(t, "bad"))
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		r := rapid.SampledFrom(ratios[:]).Draw(t, "ratio")
		u := usual{mean: float64(rapid.IntRange(0, 10).Draw(t, "mean"))}
		u.most = u.mean + float64(rapid.IntRange(0, 10).Draw(t, "more"))
		// One event of weight w costs the mean of r^w and of 1, by whose it is.
		event := func(w float64) float64 { return math.Log(share*math.Pow(r, w) + (1 - share)) }
		want := 0.0
		switch {
		case bad > u.most:
			for range int(u.mean) {
				want += event(1)
			}
			want += event(bad - u.mean)
		default:
			for range int(bad) {
				want += event(1)
			}
		}
		if got := cost(bad, u, share, math.Log(r)); math.Abs(got-want) > 1e-9*math.Max(1, want) {
			t.Fatalf("cost %v, want %v", got, want)
		}
	})
}

// To take several events for one is on the safe side: what comes together costs at least what it would cost apart.
func TestCostIsSuperadditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64Range(0, 500).Draw(t, "x"), rapid.Float64Range(0, 500).Draw(t, "y")
		share, theta := rapid.Float64Range(0, 1).Draw(t, "share"), rapid.SampledFrom(logRatios[:]).Draw(t, "theta")
		together, apart := cost(x+y, usual{}, share, theta), cost(x, usual{}, share, theta)+cost(y, usual{}, share, theta)
		if together < apart-1e-9*math.Max(1, apart) {
			t.Fatalf("%v together, %v apart", together, apart)
		}
		if single := cost(x+y, oneByOne, share, theta); x+y >= 1 && math.Mod(x+y, 1) == 0 && together < single-1e-9*math.Max(1, single) {
			t.Fatalf("%v together, %v one by one", together, single)
		}
	})
}

func TestLogShare(t *testing.T) {
	for _, share := range []float64{0, 1e-9, 0.1, 0.5, 0.999, 1} {
		for _, x := range []float64{0, 1e-9, 0.4, 7, 29.99, 30, 30.01, 300} {
			near(t, "log", logShare(share, x), math.Log(1-share+share*math.Exp(x)))
		}
	}
	if got := logShare(0.5, 1e9); math.Abs(got-1e9) > 1 {
		t.Errorf("of a large one: %v", got)
	}
}

// What is usual is told by stable's windows; a rare burst does not make it unusual, frequent ones do.
func TestTextureTellsSinglesFromBursts(t *testing.T) {
	for name, c := range map[string]struct {
		bad  func(c chance, look int) float64
		want func(u usual) bool
	}{
		"nothing bad":        {func(chance, int) float64 { return 0 }, func(u usual) bool { return u == usual{} }},
		"one by one":         {func(c chance, _ int) float64 { return float64(c.binomial(1000, 0.01)) }, func(u usual) bool { return u.mean >= 8 && u.mean <= 12 && u.most >= u.mean+8 }},
		"a rare burst":       {func(c chance, look int) float64 { return float64(c.binomial(1000, 0.01) + 50*(look%40/39)) }, func(u usual) bool { return u.mean >= 8 && u.mean <= 12 }},
		"a burst each 10 s":  {func(c chance, look int) float64 { return float64(c.binomial(1000, 0.01) + 50*(look%10/9)) }, func(u usual) bool { return u == usual{} }},
		"bursts and nothing": {func(_ chance, look int) float64 { return float64(50 * (look % 10 / 9)) }, func(u usual) bool { return u == usual{} }},
		// Of a few single ones a window, none of which is a burst.
		"two a window":    {func(c chance, _ int) float64 { return float64(c.poisson(1)) }, func(u usual) bool { return u.most >= 3 && u.most <= 5 }},
		"bursts of a few": {func(c chance, _ int) float64 { return float64(10 * c.poisson(1)) }, func(u usual) bool { return u == usual{} }},
	} {
		t.Run(name, func(t *testing.T) {
			var x texture
			draw := seeded(5)
			for look := range 400 {
				x.add(Tally{c.bad(draw, look), 1000}, second, 2*second)
				if u := x.usual(1000); look < 2*enoughWindows-1 && u != (usual{}) {
					t.Fatalf("look %d: %+v is usual, and too little is known", look+1, u)
				}
			}
			if u := x.usual(1000); !c.want(u) {
				t.Errorf("%+v is usual", u)
			}
		})
	}
}

// At the end of a long fault of both stable may be asked first: what the candidate still has is the rest of it, and one event, although as much was
// usual until now.
func TestTheRestOfALongFaultIsOneEvent(t *testing.T) {
	c := newComparison(2*second, terms{limit: 100, whole: 100, minBad: 3})
	for range 200 {
		c.add(Tally{25, 50}, Tally{475, 950}, second)
	}
	before := c.process
	c.add(Tally{25, 50}, Tally{0, 950}, second)
	before.elapse(second)
	want := before.idle
	for i, r := range ratios {
		want += math.Exp(before.log[i]) * math.Pow(r, 25) / (0.95 + 0.05*math.Pow(r, 25))
	}
	near(t, "evidence", c.value(), want)
}

// Single ones are no bursts, however close they happen to be: windows stay short, for hours.
func TestSingleOnesDoNotMakeWindowsLong(t *testing.T) {
	for _, mean := range []float64{0.02, 0.5, 1, 3, 20} {
		var x texture
		draw, long := seeded(61), 0
		for range 3600 {
			x.add(Tally{float64(draw.poisson(mean)), 1000}, second, 2*second)
			if x.length(2*second) > 4*second {
				long++
			}
		}
		if long > 36 {
			t.Errorf("%v bad ones a second: windows are long in %d of 3600 looks", mean, long)
		}
	}
}

// A window lasts as long as stable's bursts do, within bounds.
func TestTextureTellsHowLongBurstsLast(t *testing.T) {
	for _, c := range []struct {
		lasting int
		want    time.Duration
	}{{1, 2 * second}, {4, 5 * second}, {10, 12500 * time.Millisecond}, {20, 20 * second}} {
		var x texture
		for look := range 20 * 100 {
			bad := 0.0
			if look%100 < c.lasting {
				bad = 5
			}
			x.add(Tally{bad, 1000}, second, 2*second)
		}
		if got := x.length(2 * second); got != c.want {
			t.Errorf("bursts of %d s: windows of %v, want %v", c.lasting, got, c.want)
		}
	}
}
