package haproxy

import "time"

// SetWarmFor changes how long HAProxy's own checks may take.
func (r *Router) SetWarmFor(d time.Duration) { r.warmFor = d }

// SetCheckedWithin changes how long HAProxy may take to check a server at all.
func (r *Router) SetCheckedWithin(d time.Duration) { r.checkedWithin = d }
