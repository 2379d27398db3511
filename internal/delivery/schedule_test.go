package delivery

import (
	"testing"
	"time"
)

func TestTheLastLookEndsWithThePause(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for name, c := range map[string]struct {
		pause, took, due time.Duration
		last             bool
	}{
		"in the middle":             {pause: 5 * time.Second, took: 100 * time.Millisecond, due: time.Second},
		"at the end":                {pause: time.Second, took: 100 * time.Millisecond, due: 900 * time.Millisecond, last: true},
		"just before the end":       {pause: 1050 * time.Millisecond, took: 100 * time.Millisecond, due: 950 * time.Millisecond, last: true},
		"nothing is known":          {pause: time.Second, due: time.Second, last: true},
		"the pause is short":        {pause: 300 * time.Millisecond, due: 300 * time.Millisecond, last: true},
		"longer than the interval":  {pause: 5 * time.Second, took: 2 * time.Second, due: 2 * time.Second},
		"the next one would not do": {pause: 3500 * time.Millisecond, took: 2 * time.Second, due: 1500 * time.Millisecond, last: true},
		"it takes longer than that": {pause: 300 * time.Millisecond, took: 2 * time.Second, due: -1700 * time.Millisecond, last: true},
		"no pause":                  {took: 100 * time.Millisecond, due: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pause time.Time
			if c.pause > 0 {
				pause = began.Add(c.pause)
			}
			due, last := nextLook(began, pause, time.Second, c.took)
			if due.Sub(began) != c.due || last != c.last {
				t.Errorf("due after %s, the last one: %t; want %s, %t", due.Sub(began), last, c.due, c.last)
			}
		})
	}
}
