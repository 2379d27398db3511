package haproxy

import "time"

// SetWarmFor changes how long HAProxy's own checks may take.
func (r *Router) SetWarmFor(d time.Duration) { r.warmFor = d }
