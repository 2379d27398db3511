package service

import (
	"testing"
	"time"
)

func TestWorstCaseOfChecks(t *testing.T) {
	const second = Duration(time.Second)
	for name, c := range map[string]struct {
		check Check
		want  time.Duration
	}{
		"once": {Check{TCP: &TCPCheck{Timeout: 2 * second}}, 2 * time.Second},
		// Two passes and a failure, twice; then three passes, or two and a failure.
		"every try": {Check{HTTP: &HTTPCheck{Path: "/", Timeout: 2 * second, Interval: second, Retries: 2, Passes: 3}}, 9*2*time.Second + 8*time.Second},
		"command":   {Check{Command: &CommandCheck{Timeout: second}}, time.Second + CheckGrace},
		"logs":      {Check{Logs: &LogsCheck{}}, LogsCheckTimeout},
		"sql":       {Check{SQL: &SQLCheck{Timeout: second}}, time.Second + CheckGrace},
		"metric":    {Check{Metric: &MetricCheck{Window: second}}, MetricCheckTimeout},
		"rate":      {Check{Metric: &MetricCheck{Rate: true, Window: second}}, 2*MetricCheckTimeout + time.Second},
		"none":      {Check{}, 0},
	} {
		if got := c.check.WorstCase(); got != c.want {
			t.Errorf("%s: %s, wanted %s", name, got, c.want)
		}
	}
}
