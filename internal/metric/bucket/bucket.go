// Package bucket chooses the bound of a histogram that stands for a latency, for all sources alike.
package bucket

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Nearest finds the bound, in seconds, that is nearest to threshold on a logarithmic scale, as far as factors go: 0.5 is nearer to 1
// than 0.25 is. Of two that are as near the lower one, which lets less pass. +Inf and what is not above 0 are no choice. Not
// found: there is none, or the nearest is more than twice as large or less than half of it, and no measure for it.
func Nearest(bounds []float64, threshold time.Duration) (bound float64, found bool) {
	distance := math.Inf(1)
	for _, b := range bounds {
		if !(b > 0) || math.IsInf(b, 1) {
			continue
		}
		d := math.Abs(math.Log(b / threshold.Seconds()))
		if d < distance || d == distance && b < bound {
			bound, distance = b, d
		}
	}
	if bound == 0 || bound > 2*threshold.Seconds() || 2*bound < threshold.Seconds() {
		return 0, false
	}
	return bound, true
}

// Listed says what bounds there are to choose from.
func Listed(bounds []float64) string {
	distinct := map[float64]bool{}
	for _, b := range bounds {
		if b > 0 && !math.IsInf(b, 1) {
			distinct[b] = true
		}
	}
	if len(distinct) == 0 {
		return "it has none with a finite bound"
	}
	var texts []string
	for _, b := range slices.Sorted(maps.Keys(distinct)) {
		texts = append(texts, Seconds(b).String())
	}
	return "its bounds are " + strings.Join(texts, ", ") + "; set the threshold to one of them"
}

// Seconds turns a bound into a duration, at most the longest there is.
func Seconds(bound float64) time.Duration {
	nanoseconds := math.Round(bound * float64(time.Second))
	if nanoseconds >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(nanoseconds)
}
