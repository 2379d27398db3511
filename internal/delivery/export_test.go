package delivery

import "time"

// RestoreWithin bounds the run's restores.
func (r *Run) RestoreWithin(d time.Duration) { r.restoring = d }
