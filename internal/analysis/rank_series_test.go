package analysis

import (
	"math"
	"testing"
)

func TestASeriesIsThinnedEvenly(t *testing.T) {
	var s series
	for i := range 20 * keptValues {
		s.add(float64(i))
		if len(s.kept) >= keptValues || i > keptValues && len(s.kept) < keptValues/2-1 {
			t.Fatalf("%d kept of %d", len(s.kept), i+1)
		}
		if s.seen != i+1 {
			t.Fatalf("%d seen of %d", s.seen, i+1)
		}
	}
	for i, value := range s.kept {
		if value != float64(i*s.stride) {
			t.Fatalf("value %d is that of look %v, want %d", i, value, i*s.stride)
		}
	}
	if s.stride != 32 || cap(s.kept) > 2*keptValues {
		t.Errorf("every %dth kept, room for %d", s.stride, cap(s.kept))
	}
}

func TestWhatIsNoNumberWasNotMeasured(t *testing.T) {
	var s series
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 1} {
		s.add(value)
	}
	if s.seen != 1 || len(s.kept) != 1 {
		t.Errorf("%+v", s)
	}
}
