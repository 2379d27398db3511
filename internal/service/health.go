package service

import "time"

// The times of a Health for which nothing is written.
const (
	DefaultMinHealthyTime   = Duration(10 * time.Second)
	DefaultHealthyDeadline  = Duration(5 * time.Minute)
	DefaultProgressDeadline = Duration(10 * time.Minute)
	DefaultProbeInterval    = Duration(time.Second)
	DefaultProbeTimeout     = Duration(2 * time.Second)
)

// Health is how one decides that a release's instances work.
type Health struct {
	// HTTP is asked of each instance; nil: a TCP connection.
	HTTP *HTTPProbe `json:"http,omitempty"`
	// MinHealthyTime is how long an instance must answer without a break.
	MinHealthyTime Duration `json:"min_healthy_time"`
	// HealthyDeadline bounds the wait for one instance, ProgressDeadline the wait for the next one to become healthy.
	HealthyDeadline  Duration `json:"healthy_deadline"`
	ProgressDeadline Duration `json:"progress_deadline"`
	// Interval between probes, and Timeout of one.
	Interval Duration `json:"interval"`
	Timeout  Duration `json:"timeout"`
	// DenyLogs are regular expressions (RE2): a log line that matches while the release starts fails it at once.
	DenyLogs []string `json:"deny_logs,omitempty"`
}

// HealthyWithin is HealthyDeadline, or the usual: a release that was taken over may be recorded without.
func (h Health) HealthyWithin() time.Duration {
	if h.HealthyDeadline <= 0 {
		return DefaultHealthyDeadline.D()
	}
	return h.HealthyDeadline.D()
}

// HTTPProbe asks an instance for a path.
type HTTPProbe struct {
	Path string `json:"path"`
	// Status lists the codes that mean healthy; empty: any from 200 to 299.
	Status []int `json:"status,omitempty"`
	// Headers sent with the request.
	Headers map[string]string `json:"headers,omitempty"`
}
