package secureshell

import (
	"testing"
	"time"
)

func TestVigil(t *testing.T) {
	const second = time.Second
	for name, c := range map[string]struct {
		// looks are when it is looked, heard what had come by then, in seconds.
		looks, heard []time.Duration
		silent       time.Duration
	}{
		"answers":                        {[]time.Duration{5, 10, 15, 20}, []time.Duration{0, 5, 10, 15}, 0},
		"none any more":                  {[]time.Duration{5, 10, 15, 20}, []time.Duration{0, 0, 0, 0}, 15},
		"one late":                       {[]time.Duration{5, 10, 15, 20}, []time.Duration{0, 0, 12, 12}, 5},
		"we stood still for a minute":    {[]time.Duration{5, 10, 70}, []time.Duration{0, 5, 5}, 0},
		"with a question under way":      {[]time.Duration{5, 10, 22}, []time.Duration{0, 5, 5}, 0},
		"and there is nobody afterwards": {[]time.Duration{5, 10, 70, 75, 80, 85}, []time.Duration{0, 5, 5, 5, 5, 5}, 15},
	} {
		v := newVigil(Options{KeepAlive: 5 * second, Silence: 15 * second})
		var silent time.Duration
		for n, now := range c.looks {
			silent = v.silent(now*second, c.heard[n]*second)
		}
		if silent != c.silent*second {
			t.Errorf("%s: silent for %s, want %d s", name, silent, c.silent)
		}
	}
}
