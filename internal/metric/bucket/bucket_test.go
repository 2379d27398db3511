package bucket_test

import (
	"math"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/bucket"
)

func TestNearest(t *testing.T) {
	bounds := []float64{math.NaN(), -1, 0, .25, .1, 1, .5, math.Inf(1)}
	for threshold, want := range map[time.Duration]float64{
		250 * time.Millisecond: .25, 400 * time.Millisecond: .5, 170 * time.Millisecond: .25, 155 * time.Millisecond: .1,
		50 * time.Millisecond: .1, 49 * time.Millisecond: 0, 2 * time.Second: 1, 2100 * time.Millisecond: 0,
	} {
		if got, found := bucket.Nearest(bounds, threshold); got != want || found != (want > 0) {
			t.Errorf("the bound nearest to %s is %g (%t), want %g", threshold, got, found, want)
		}
	}
	if got, _ := bucket.Nearest([]float64{4, 1}, 2*time.Second); got != 1 {
		t.Errorf("of two that are as near %g was taken", got)
	}
	if _, found := bucket.Nearest(nil, time.Second); found {
		t.Error("there is a bound among none")
	}
}

func TestListed(t *testing.T) {
	for want, bounds := range map[string][]float64{
		"it has none with a finite bound":                                           {0, math.Inf(1)},
		"its bounds are 100ms, 2s; set the threshold to one of them":                {2, .1, 2, math.Inf(1)},
		"its bounds are 2562047h47m16.854775807s; set the threshold to one of them": {1e300},
	} {
		if got := bucket.Listed(bounds); got != want {
			t.Errorf("%v: %s", bounds, got)
		}
	}
}
