package main

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 370, 0, 1 - math.Pow(0.025, 1.0/370)}, {370, 370, math.Pow(0.025, 1.0/370), 1}, {5, 100, 0.0164319, 0.1128349}, {0, 0, 0, 1},
	} {
		if low, high := clopperPearson(c.k, c.n, 0.95); math.Abs(low-c.low) > 1e-6 || math.Abs(high-c.high) > 1e-6 {
			t.Errorf("%d of %d: %v to %v, want %v to %v", c.k, c.n, low, high, c.low, c.high)
		}
	}
	// By its definition: at either end, what was met or more of it has a probability of half of the rest.
	low, high := clopperPearson(3, 800, 0.99)
	above := 1 - distuv.Binomial{N: 800, P: low}.CDF(2)
	below := distuv.Binomial{N: 800, P: high}.CDF(3)
	if math.Abs(above-0.005) > 1e-6 || math.Abs(below-0.005) > 1e-6 {
		t.Errorf("tails %v and %v, want 0.005", above, below)
	}
}

func TestTheFirstStageDecidesWhenNothingWasRestored(t *testing.T) {
	if _, high := clopperPearson(0, stages[0], 1-0.05/float64(len(stages))); high > allowed {
		t.Errorf("upper end %v of none in %d", high, stages[0])
	}
}

func TestQuantiles(t *testing.T) {
	never := math.Inf(1)
	s := sample{3, 1, never, 2}
	if s.median() != 2 || s.p95() != never || s.quantile(0.75) != 3 || s.finite() != 0.75 || s.mean(10) != 4 || !math.IsNaN(sample{}.median()) {
		t.Errorf("%v %v %v %v %v", s.median(), s.p95(), s.quantile(0.75), s.finite(), s.mean(10))
	}
}

func TestBound(t *testing.T) {
	at := func(stable, faulty, part float64) float64 {
		return (&badCase{base: base{service: of(100, stable), part: part}, fault: fails(faulty)}).told()
	}
	orders := badCase{base: base{service: service{rate: 100, orders: 0.1}, part: 0.5}, fault: fault{orders: 0.08}}
	for name, c := range map[string]struct{ got, want float64 }{
		// Down to 80 % of what stable has, where 95 % are allowed.
		"orders": {orders.told(), math.Log(100) / (4*math.Log(4/9.0*1.95/0.95) + 5*math.Log(5/9.0*1.95))},
		// Each bad one tells ln 10, and there are 5 a second.
		"over none":             {at(0, 0.5, 0.1), math.Log(100) / (5 * math.Log(10))},
		"over 0.1 %":            {at(0.001, 0.01, 0.1), math.Log(100) / (0.19 * (0.1/0.19*math.Log(0.1/0.19/0.1) + 0.09/0.19*math.Log(0.09/0.19/0.9)))},
		"beside a history":      {at(0.001, 0.01, 1), math.Log(100) / (math.Log(10) - 1 + 0.1)},
		"beside a spotless one": {at(0, 0.01, 1), 0},
	} {
		if math.Abs(c.got-c.want) > 1e-9*(1+c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	for name, c := range map[string]struct {
		fault fault
		want  float64
	}{"from the beginning": {fails(0.5), 1}, "later": {fault{after: time.Minute, errors: 0.5}, 0.5}} {
		if got := (&badCase{base: base{service: of(100, 0), part: 0.1}, fault: c.fault}).bound(); got != c.want {
			t.Errorf("%s, at looks of a second: %v, want %v", name, got, c.want)
		}
	}
}
