package analysis

import "math"

// keptValues is the largest number of values of one side that are kept. It bounds memory and time; two hours of looks a second
// are thinned to every fourth.
const keptValues = 2000

// series keeps values in their order. When they become too many, every second one is dropped, and from then on only
// every second, fourth … new one is taken, so that those kept are equally far apart.
type series struct {
	kept []float64
	// seen counts all values, and stride is the number of them that one kept value stands for.
	seen, stride int
}

// add takes a value in. One that is no finite number, or too large for differences to be finite, was not measured.
func (s *series) add(value float64) {
	if !(math.Abs(value) <= math.MaxFloat64/2) { // So that NaN is left out.
		return
	}
	s.stride = max(1, s.stride)
	if s.seen%s.stride == 0 {
		s.kept = append(s.kept, value)
	}
	s.seen++
	if len(s.kept) < keptValues {
		return
	}
	for i := range keptValues / 2 {
		s.kept[i] = s.kept[2*i]
	}
	s.kept, s.stride = s.kept[:keptValues/2], 2*s.stride
}
