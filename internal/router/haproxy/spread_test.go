package haproxy

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func sum(parts []int) (total int) {
	for _, p := range parts {
		total += p
	}
	return total
}

// TestSpread: for any number of servers and any percent the weights are exact, within HAProxy's bounds and even to one unit.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := rapid.IntRange(1, 40).Draw(t, "first"), rapid.IntRange(1, 40).Draw(t, "second")
		percent := rapid.IntRange(0, 100).Draw(t, "percent")
		spreadIsRight(t, percent, first, second)
	})
}

// TestSpreadWithoutServers: a slot that gets nothing needs none.
func TestSpreadWithoutServers(t *testing.T) {
	for n := range 41 {
		if n > 0 {
			spreadIsRight(t, 100, n, 0)
			spreadIsRight(t, 0, 0, n)
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func spreadIsRight(t fataler, percent, first, second int) {
	t.Helper()
	a, b := spread(percent, first, second)
	if len(a) != first || len(b) != second {
		t.Fatalf("%d %% of %d and %d servers: %v, %v", percent, first, second, a, b)
	}
	x, y := sum(a), sum(b)
	if x+y == 0 || x*100 != percent*(x+y) {
		t.Fatalf("%d %% of %d and %d servers: %v, %v are %d of %d", percent, first, second, a, b, x, x+y)
	}
	for _, parts := range [][]int{a, b} {
		if len(parts) == 0 {
			continue
		}
		least, most := slices.Min(parts), slices.Max(parts)
		if least < 0 || most > maxWeight || most-least > 1 {
			t.Fatalf("%d %% of %d and %d servers: %v, %v", percent, first, second, a, b)
		}
	}
	if even(percent, first, second) && (slices.Min(append(a, a...)) != slices.Max(a) || slices.Min(b) != slices.Max(b)) {
		t.Fatalf("%d %% of %d and %d servers could be even: %v, %v", percent, first, second, a, b)
	}
}

// even tells, by trying all, whether each server of a slot can have the same weight.
func even(percent, first, second int) bool {
	if first == 0 || second == 0 {
		return false // the other slot is looked at by the bounds
	}
	for i := range maxWeight + 1 {
		for j := range maxWeight + 1 {
			if total := i*first + j*second; total > 0 && 100*i*first == percent*total {
				return true
			}
		}
	}
	return false
}

// TestSpreadReads: with a server each the weights are the percents, and the known hard case is exact.
func TestSpreadReads(t *testing.T) {
	for _, c := range []struct {
		percent, first, second int
		a, b                   []int
	}{
		{25, 1, 1, []int{25}, []int{75}},
		{0, 1, 1, []int{0}, []int{100}},
		{100, 2, 1, []int{50, 50}, []int{0}},
		{50, 2, 3, []int{75, 75}, []int{50, 50, 50}},
		// 99 twice is what one server can have: two of ten get 1.
		{1, 10, 1, []int{0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, []int{198}},
	} {
		a, b := spread(c.percent, c.first, c.second)
		if !slices.Equal(a, c.a) || !slices.Equal(b, c.b) {
			t.Errorf("%d %% of %d and %d servers: %v, %v; want %v, %v", c.percent, c.first, c.second, a, b, c.a, c.b)
		}
	}
}
