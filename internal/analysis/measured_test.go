package analysis

import (
	"math"
	"strings"
	"testing"
)

func numbers(gauge bool) Config {
	least := 0.95
	return Config{Confidence: 0.99, MinRequests: 10, Business: map[string]BusinessRule{
		"orders": {Query: "orders", Gauge: gauge, Direction: Up, VersusStableMin: &least},
	}}
}

// With all of the traffic there is nobody to compare a number of the business with: the step does not wait for ever, and an idle stable is no measure.
func TestBusinessNumbersWithAllOfTheTraffic(t *testing.T) {
	for name, gauge := range map[string]bool{"counter": false, "gauge": true} {
		j := judgeOf(t, numbers(gauge))
		var v Verdict
		for range 60 {
			v = j.Look(Look{Took: second, Candidate: failing(0, 10), Series: map[string]Pair{"orders": {Candidate: 5, Stable: 0}}})
		}
		if v.Decision != Pass {
			t.Errorf("%s: %s: %s", name, v.Decision, v.Reason)
		}
	}
}

// A number that is missing is told apart from all else that a step lacks.
func TestUnmeasuredNumbers(t *testing.T) {
	for name, gauge := range map[string]bool{"counter": false, "gauge": true} {
		j := judgeOf(t, numbers(gauge))
		look := Look{Took: second, Candidate: failing(0, 5), Stable: failing(0, 5)}
		if v := j.Look(look); v.Decision != Wait || v.Unmeasured {
			t.Errorf("%s, too few requests as well: %+v", name, v)
		}
		look.Series = map[string]Pair{"orders": {Candidate: math.NaN(), Stable: 1}}
		if v := j.Look(look); v.Decision != Wait || !v.Unmeasured && !gauge || !strings.Contains(v.Reason, "was not measured") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
