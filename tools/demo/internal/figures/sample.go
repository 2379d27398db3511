package figures

import (
	"math"
	"slices"
)

// Sample is values of one quantity, in any order.
type Sample []float64

// Quantile is the value below which a share q of the sample lies, q from 0 to 1, with values in between interpolated linearly
// (definition 7 of Hyndman and Fan, The American Statistician 50, 1996). NaN where the sample is empty.
func (s Sample) Quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// Median is the quantile of a half.
func (s Sample) Median() float64 { return s.Quantile(0.5) }

// Point is a quantile with its name.
type Point struct {
	Name  string
	Share float64
}

// Quartiles are the points that a distribution of runs is printed with; Tail those of what is measured thousands of times.
var (
	Quartiles = []Point{{"lowest", 0}, {"lower quartile", 0.25}, {"median", 0.5}, {"upper quartile", 0.75}, {"highest", 1}}
	Tail      = []Point{{"median", 0.5}, {"99th percentile", 0.99}, {"highest", 1}}
)

// Figures names each point of the sample: "name, median". An empty sample has none.
func (s Sample) Figures(name, unit string, points []Point) []Figure {
	if len(s) == 0 {
		return nil
	}
	var all []Figure
	for _, p := range points {
		all = append(all, Lower(name+", "+p.Name, s.Quantile(p.Share), unit))
	}
	return all
}
