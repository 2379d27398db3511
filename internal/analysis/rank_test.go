package analysis

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// values are n of them around a level, evenly spread and in an order that tells nothing.
func values(n int, level, spread float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = level + spread*(float64(i*37%n)/float64(n-1)-0.5)
	}
	seeded(1).Shuffle(n, func(i, j int) { v[i], v[j] = v[j], v[i] })
	return v
}

func (r *ranks) addAll(candidate, stable []float64) {
	for i := range candidate {
		r.add(candidate[i], stable[i])
	}
}

func TestWhatIsWorseAndWhatIsGood(t *testing.T) {
	const n = 128
	around := func(level float64) []float64 { return values(n, level, 10) }
	constant := func(level float64) []float64 { return slices.Repeat([]float64{level}, n) }
	for name, c := range map[string]struct {
		candidate, stable []float64
		tolerance         float64
		// worse and good, for each direction.
		worse, good map[Direction]bool
	}{
		"alike":                     {around(100), around(100), 0.05, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"alike, too little allowed": {around(100), around(100), 0.001, nil, nil},
		"lower":                     {around(80), around(100), 0.05, map[Direction]bool{Up: true, Either: true}, map[Direction]bool{Down: true}},
		"lower by what is allowed":  {around(95), around(100), 0.05, nil, map[Direction]bool{Down: true}},
		"much allowed":              {around(80), around(100), 0.5, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"higher":                    {around(120), around(100), 0.05, map[Direction]bool{Down: true, Either: true}, map[Direction]bool{Up: true}},
		"below zero":                {around(-120), around(-100), 0.05, map[Direction]bool{Up: true, Either: true}, map[Direction]bool{Down: true}},
		"below zero, allowed":       {around(-120), around(-100), 0.5, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"one constant":              {constant(7), constant(7), 0, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"none at all":               {constant(0), constant(0), 0.05, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"two constants":             {constant(0), constant(1), 0.05, map[Direction]bool{Up: true, Either: true}, map[Direction]bool{Down: true}},
		"two constants, allowed":    {constant(96), constant(100), 0.05, nil, map[Direction]bool{Up: true, Down: true, Either: true}},
		"something beside nothing":  {around(9), constant(0), 0.05, map[Direction]bool{Down: true, Either: true}, map[Direction]bool{Up: true}},
	} {
		for _, direction := range []Direction{Up, Down, Either} {
			var r ranks
			r.addAll(c.candidate, c.stable)
			got := r.judge(direction, c.tolerance, 0.01)
			if !got.tested || got.worse != c.worse[direction] || got.good != c.good[direction] {
				t.Errorf("%s, %s: %+v, want worse %v and good %v", name, direction, got, c.worse[direction], c.good[direction])
			}
			if !(got.lower <= got.estimate && got.estimate <= got.upper) {
				t.Errorf("%s, %s: estimate %v outside of %v to %v", name, direction, got.estimate, got.lower, got.upper)
			}
		}
	}
}

func TestTheToleranceIsAPartOfStablesMedian(t *testing.T) {
	var r ranks
	r.addAll(values(64, 80, 10), values(64, -100, 10))
	if got := r.judge(Up, 0.05, 0.01); math.Abs(got.tolerance-5) > 0.01 || math.Abs(got.estimate-180) > 0.01 {
		t.Errorf("%+v, want a tolerance of 5 and an estimate of 180", got)
	}
}

func TestTooFewValuesAreNotTested(t *testing.T) {
	var r ranks
	for look := range firstTest - 1 {
		if got := r.judge(Either, 0, 0.5); got.tested || got.worse || got.good || got.missing != firstTest-look || got.candidate != look ||
			!math.IsInf(got.lower, -1) || !math.IsInf(got.upper, 1) {
			t.Fatalf("after %d looks: %+v", look, got)
		}
		r.add(1e6+float64(look*7%23), float64(look*7%23))
	}
	// Only one side was measured.
	for range 100 {
		r.add(math.NaN(), 11)
		r.add(math.Inf(1), 11)
	}
	got := r.judge(Either, 0, 0.5)
	if got.tested || got.candidate != firstTest-1 || got.stable != firstTest-1+200 || got.missing != 1 {
		t.Errorf("%+v", got)
	}
}

func TestBetweenTestsNothingChanges(t *testing.T) {
	var r ranks
	candidate, stable := values(firstTest, 30, 10), values(firstTest, 10, 10)
	r.addAll(candidate, stable)
	first := r.judge(Down, 0, 0.2)
	if !first.tested || !first.worse || first.missing != testSize(2)-firstTest {
		t.Fatalf("%+v", first)
	}
	for look := range testSize(2) - firstTest {
		want := first
		want.tested, want.candidate, want.stable, want.missing = false, firstTest+look, firstTest+look, testSize(2)-firstTest-look
		if got := r.judge(Down, 0, 0.2); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
		r.add(-1000, 10)
	}
}

// What a gauge hardly changes between two looks counts little.
func TestRepeatedReadingsAreNoNewValues(t *testing.T) {
	var once, held ranks
	for _, v := range values(64, 0, 10) {
		once.add(v+20, v)
		for range 15 {
			held.add(v+20, v)
		}
	}
	if o, h := once.judge(Down, 0, 0.01), held.judge(Down, 0, 0.01); h.independent > 64 || h.independent < 16 || o.independent > 64 || o.independent < 16 {
		t.Errorf("%d of 64 count, and %d of the same 15 times each", o.independent, h.independent)
	}
}

// What stable did before is no part of the comparison, and tells how long its memory is.
func TestStableIsKnownFromBefore(t *testing.T) {
	var short, long ranks
	slow := seeded(3).wandering(0.99)
	for range 600 {
		long.before(1e9 + slow.next())
	}
	for _, v := range values(96, 0, 10) {
		short.add(v+20, v)
		long.add(v+20, v)
	}
	s, l := short.judge(Down, 0, 0.01), long.judge(Down, 0, 0.01)
	if !s.worse || l.tested || l.worse || l.stable != 96 || l.independent >= s.independent/4 {
		t.Errorf("%+v without, %+v with a long memory before", s, l)
	}
}

// Series that are thinned unlike remember for the same time.
func TestMemoryIsMeasuredInLooks(t *testing.T) {
	independent := func(before, candidate, stable int) int {
		var r ranks
		memory, next := seeded(3).wandering(0.99), seeded(5).alike(0, 0)
		for range before {
			r.before(memory.next())
		}
		for look := range max(candidate, stable) {
			c, s := next(look)
			if look >= candidate {
				c = math.NaN()
			}
			if look >= stable {
				s = math.NaN()
			}
			r.add(c, s)
		}
		r.judge(Down, 0, 0.01)
		return r.last.independent
	}
	// Of a correlation time of some 190 looks, 1,536 of them make eight values, or fewer as it is an upper bound.
	for _, before := range []int{1900, 15000} {
		if got := independent(before, 1536, 1536); got < 1 || got > 8 {
			t.Errorf("%d looks before: %d values count", before, got)
		}
		if got := independent(before, 1536, 15000); got < 1 || got > 8 {
			t.Errorf("%d looks before, stable thinned: %d values count", before, got)
		}
	}
}

// Both bounds of Either share the risk.
func TestEitherTakesHalfTheRiskOnEachSide(t *testing.T) {
	interval := func(direction Direction, risk float64) [2]float64 {
		var r ranks
		r.addAll(values(96, 20, 10), values(96, 10, 10))
		got := r.judge(direction, 0, risk)
		return [2]float64{got.lower, got.upper}
	}
	if either, half, whole := interval(Either, 0.2), interval(Up, 0.1), interval(Up, 0.2); either != half || either == whole {
		t.Errorf("%v, want %v of half the risk, not %v", either, half, whole)
	}
}

// Shifting or stretching all values shifts or stretches what is found; exchanging sides and direction exchanges signs.
func TestWhatIsFoundGoesWithTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(firstTest, 200).Draw(t, "values")
		draw := rapid.SliceOfN(rapid.Map(rapid.IntRange(-50, 50), func(i int) float64 { return float64(i) }), n, n)
		candidate, stable := draw.Draw(t, "candidate"), draw.Draw(t, "stable")
		shift := float64(rapid.IntRange(-100, 100).Draw(t, "shift"))
		var r, stretched, exchanged ranks
		for i := range candidate {
			r.add(candidate[i]+shift, stable[i])
			stretched.add(4*(candidate[i]+shift), 4*stable[i])
			exchanged.add(-candidate[i]-shift, -stable[i])
		}
		got, four, minus := r.judge(Up, 0.1, 0.2), stretched.judge(Up, 0.1, 0.2), exchanged.judge(Down, 0.1, 0.2)
		if got.worse && got.good {
			t.Errorf("worse and good: %+v", got)
		}
		if four.estimate != 4*got.estimate || four.lower != 4*got.lower || four.worse != got.worse || four.good != got.good {
			t.Errorf("%+v, four times as large %+v", got, four)
		}
		if minus.estimate != -got.estimate || minus.lower != -got.upper || minus.worse != got.worse || minus.good != got.good {
			t.Errorf("%+v, the other way round %+v", got, minus)
		}
	})
}

// Memory and time stay bounded however long a release takes.
func TestALongReleaseIsStillJudged(t *testing.T) {
	var r ranks
	draw := seeded(29)
	tests, last := 0, rankResult{}
	for range 20000 {
		r.add(100+draw.NormFloat64(), 100+draw.NormFloat64())
		if last = r.judge(Up, 0.01, 0.01); last.tested {
			tests++
		}
	}
	if tests < 15 || !last.good || last.worse || last.candidate != 20000 || len(r.candidate.kept) > keptValues || len(r.stable.kept) > keptValues {
		t.Errorf("%d tests, %d kept: %+v", tests, len(r.stable.kept), last)
	}
}
