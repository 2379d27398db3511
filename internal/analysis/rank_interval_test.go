package analysis

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/aclements/go-moremath/stats"
	"pgregory.net/rapid"
)

func between(x, y []float64) differences {
	return differences{slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))}
}

// The same by holding and sorting all differences.
func TestDifferencesAreThoseThatSortingFinds(t *testing.T) {
	for name, value := range map[string]*rapid.Generator[float64]{
		"any":        rapid.Float64Range(-1e300, 1e300),
		"few values": rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) / 10 }),
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x := rapid.SliceOfN(value, 1, 12).Draw(t, "x")
				y := rapid.SliceOfN(value, 1, 12).Draw(t, "y")
				var all []float64
				for _, a := range x {
					for _, b := range y {
						all = append(all, a-b)
					}
				}
				slices.Sort(all)
				d := between(x, y)
				for i, want := range all {
					if got := d.nth(i + 1); got != want || math.Signbit(got) && got == 0 {
						t.Fatalf("difference %d: %v, want %v", i+1, got, want)
					}
				}
				if got, want := d.median(), all[(len(all)-1)/2]/2+all[len(all)/2]/2; got != want {
					t.Errorf("median %v, want %v", got, want)
				}
			})
		})
	}
}

// permuted counts, of all ways to call n of the values x, those in which as few pairs or fewer have an x that is at most a y;
// a tie counts half. And how many ways there are.
func permuted(x, y []float64) (asFew, ways int) {
	all := slices.Concat(x, y)
	pairs := func(chosen uint) (u float64) {
		for i, a := range all {
			for j, b := range all {
				if chosen>>i&1 == 1 && chosen>>j&1 == 0 {
					switch {
					case a < b:
						u++
					case a == b:
						u += 0.5
					}
				}
			}
		}
		return u
	}
	seen := pairs(1<<len(x) - 1)
	for chosen := range uint(1) << len(all) {
		if bits.OnesCount(chosen) == len(x) {
			ways++
			if pairs(chosen) <= seen {
				asFew++
			}
		}
	}
	return asFew, ways
}

// An interval lies above 0 when a permutation test rejects, for values without ties; with ties, it never does when that does not
// however they are broken: here against it. (Noether's theorem is about the coverage. Given the very ties within a side, a permutation test
// may reject less often.)
func TestAnIntervalSaysWhatAPermutationTestSays(t *testing.T) {
	above, rejected := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		ties := rapid.Bool().Draw(t, "ties")
		draw := func(name string) []float64 {
			return rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 6), func(i int) float64 { return float64(i) }), 2, 6).Draw(t, name)
		}
		x, y := draw("x"), draw("y")
		shift := rapid.IntRange(0, 6).Draw(t, "shift")
		for i := range x {
			x[i] += float64(shift)
		}
		broken := func(values []float64, by float64) []float64 {
			distinct := slices.Clone(values)
			for i := range distinct {
				distinct[i] += float64(i+1) * by
			}
			return distinct
		}
		if !ties {
			x, y = broken(x, 0.01), broken(y, -0.01)
		}
		// None is a multiple of one way in all, so that rounding decides nothing.
		risk := rapid.SampledFrom([]float64{0.0011, 0.0101, 0.0501, 0.1001, 0.3001}).Draw(t, "risk")
		d := between(x, y)
		outside, ok := d.outside(len(x), len(y), risk)
		excludes := ok && d.nth(outside+1) > 0
		if ties {
			x, y = broken(x, -0.01), broken(y, 0.01)
		}
		asFew, ways := permuted(x, y)
		rejects := float64(asFew) <= risk*float64(ways)
		if excludes && !rejects || !ties && rejects != excludes {
			t.Errorf("interval above 0: %v, permutation test of %d in %d rejects: %v", excludes, asFew, ways, rejects)
		}
		if excludes {
			above++
		}
		if rejects {
			rejected++
		}
	})
	if above == 0 || rejected == 0 {
		t.Errorf("%d intervals above 0 and %d rejections: nothing was tested", above, rejected)
	}
}

// Many values have the normal distribution, which errs on the safe side, and not far.
func TestTheNormalDistributionIsCloseAndSafe(t *testing.T) {
	for _, n := range []int{exactLimit + 1, 30, 45} {
		for _, risk := range []float64{0.02, 1e-3, 1e-5} {
			u := critical(n, n, risk)
			exact := stats.UDist{N1: n, N2: n}
			if p := exact.CDF(u); p > risk || p < risk/5 {
				t.Errorf("%d values: U at most %v has a probability of %v, want nearly %v", n, u, p, risk)
			}
		}
	}
}

func TestCriticalHasTheProbabilityThatItSays(t *testing.T) {
	// The lower tail of U for 3 and 3 values is 1, 2, 4, 7, 10 … of 20 ways.
	for risk, want := range map[float64]float64{0.0499: -1, 0.0501: 0, 0.1001: 1, 0.1999: 1, 0.2001: 2, 0.3501: 3, 0.5001: 4} {
		if got := critical(3, 3, risk); got != want {
			t.Errorf("critical(3, 3, %v) = %v, want %v", risk, got, want)
		}
	}
	for _, c := range []struct{ n, m int }{{0, 5}, {5, 0}, {0, 100}, {3, 100}} {
		if got := critical(c.n, c.m, 1e-9); got != -1 {
			t.Errorf("critical(%d, %d) = %v, want none", c.n, c.m, got)
		}
	}
}

// A risk is that of one side, so half of what R is given. R's intervals with ties come from a root finder, to 4 digits.
func TestIntervalsAreThoseOfR(t *testing.T) {
	for name, c := range map[string]struct {
		x, y                   []float64
		risk                   float64
		estimate, lower, upper float64
	}{
		// Hollander and Wolfe (1973), examples 4.1 to 4.4, also in R's help of wilcox.test: permeability of the human chorioamnion.
		"permeability": {
			[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, []float64{1.15, 0.88, 0.90, 0.74, 1.21},
			0.025, 0.305, -0.15, 0.76,
		},
		// Kayenta, MannWhitneySuite.scala, which gives what R 3 gave.
		"four values":          {[]float64{10, 20, 30, 40}, []float64{1, 2, 3, 4}, 0.025, 22.5, 6, 39},
		"90 values, many ties": {kayentaExperiment, kayentaControl, 0.025, -0.4999393907180323, -0.500002521696696, -3.486287505871302e-5},
	} {
		t.Run(name, func(t *testing.T) {
			d := between(c.x, c.y)
			outside, ok := d.outside(len(c.x), len(c.y), c.risk)
			if !ok {
				t.Fatal("no interval")
			}
			for what, v := range map[string][2]float64{
				"estimate": {d.median(), c.estimate}, "lower": {d.nth(outside + 1), c.lower}, "upper": {d.nth(d.len() - outside), c.upper},
			} {
				if math.Abs(v[0]-v[1]) > 1e-4 {
					t.Errorf("%s: %v, want %v", what, v[0], v[1])
				}
			}
		})
	}
}

var kayentaControl = []float64{
	1.5, 6.0, 5.0, 2.5, 2.5, 2.0, 2.0, 3.5, 3.0, 3.0, 3.0, 2.0, 3.0, 8.0, 4.0, 2.5, 3.0, 2.5, 2.5, 2.0,
	2.5, 2.0, 2.0, 2.5, 3.5, 3.0, 1.5, 5.0, 2.5, 5.5, 2.0, 2.5, 3.5, 2.0, 2.5, 4.0, 2.0, 2.0, 2.0, 2.0,
	5.5, 4.5, 4.0, 3.0, 3.0, 3.5, 2.5, 3.0, 2.5, 4.0, 6.0, 2.0, 5.0, 6.0, 3.5, 3.0, 54.5, 3.0, 5.0, 6.0,
	3.5, 4.5, 2.5, 2.0, 6.0, 5.0, 2.5, 3.5, 2.0, 3.0, 2.5, 3.5, 3.5, 2.5, 3.0, 4.5, 3.0, 15.5, 5.0, 2.5,
	3.0, 4.0, 3.5, 4.0, 4.0, 2.0, 4.5, 2.5, 4.0, 3.0,
}

var kayentaExperiment = []float64{
	2.5, 2.5, 2.0, 2.5, 3.5, 2.0, 3.5, 1.5, 3.0, 3.0, 2.5, 3.5, 2.0, 2.5, 2.0, 2.0, 5.0, 3.0, 2.0, 1.5,
	2.0, 4.0, 3.0, 2.5, 3.0, 2.0, 2.0, 2.0, 2.5, 3.5, 1.5, 1.5, 3.5, 2.0, 2.5, 2.5, 3.0, 3.5, 2.5, 6.5,
	2.5, 4.0, 2.5, 3.0, 2.5, 6.5, 2.5, 3.0, 1.5, 2.0, 2.5, 3.0, 7.5, 1.5, 2.0, 4.0, 2.5, 2.0, 2.5, 3.5,
	4.0, 2.5, 3.0, 2.5, 2.0, 3.5, 3.0, 16.5, 3.0, 3.0, 7.0, 4.5, 5.0, 2.0, 3.5, 6.0, 1.5, 3.0, 2.5, 4.0,
	3.0, 1.5, 5.0, 3.0, 2.5, 5.5, 3.0, 1.5, 2.5, 6.0,
}
