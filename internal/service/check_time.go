package service

import "time"

const (
	// LogsCheckTimeout and MetricCheckTimeout bound one reading.
	LogsCheckTimeout   = 30 * time.Second
	MetricCheckTimeout = 30 * time.Second
	// CheckGrace is for ending what has used up its time: a command, or a connection to a database.
	CheckGrace = 2 * time.Second
)

// WorstCase is the longest that a valid check takes.
func (c Check) WorstCase() time.Duration {
	switch {
	case c.HTTP != nil:
		return asked(c.HTTP.Timeout, c.HTTP.Interval, c.HTTP.Retries, c.HTTP.Passes)
	case c.TCP != nil:
		return asked(c.TCP.Timeout, c.TCP.Interval, c.TCP.Retries, 1)
	case c.Command != nil:
		return c.Command.Timeout.D() + CheckGrace
	case c.Logs != nil:
		return LogsCheckTimeout
	case c.SQL != nil:
		return c.SQL.Timeout.D() + CheckGrace
	case c.Metric != nil && c.Metric.Rate:
		return 2*MetricCheckTimeout + c.Metric.Window.D()
	case c.Metric != nil:
		return MetricCheckTimeout
	}
	return 0
}

// asked is the time of asking as often as it may take: each failure may come just before the last pass.
func asked(timeout, interval Duration, retries, passes int) time.Duration {
	most := time.Duration((retries + 1) * max(passes, 1))
	return most*timeout.D() + (most-1)*interval.D()
}
