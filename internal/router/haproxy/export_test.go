package haproxy

import "time"

// SetWarmFor changes how long HAProxy's own checks may take.
func (r *Router) SetWarmFor(d time.Duration) { r.warmFor = d }

// SetWarmWithin changes how long a warm-up may take in all.
func (r *Router) SetWarmWithin(d time.Duration) { r.warmWithin = d }
