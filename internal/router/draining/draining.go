// Package draining waits for the requests in flight to end, as all routers do that can count them.
package draining

import (
	"context"
	"fmt"
	"time"
)

const (
	interval = 25 * time.Millisecond
	// quietLooks in a row must find nothing in flight: a request that was given its server a moment ago is not yet counted there.
	quietLooks = 4
)

// Wait asks inFlight how many requests slot has until there are none. After timeout those that are left are an error, which says how many: they
// are cut off when what answers them is stopped. So is whatever inFlight fails with, since nothing is known then, and the end of ctx.
func Wait(ctx context.Context, slot string, timeout time.Duration, inFlight func(context.Context) (int, error)) error {
	end := time.NewTimer(timeout)
	defer end.Stop()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for quiet := 0; ; {
		requests, err := inFlight(ctx)
		if err != nil {
			return fmt.Errorf("wait for the requests in flight to slot %s: %w", slot, err)
		}
		if quiet++; requests > 0 {
			quiet = 0
		}
		if quiet == quietLooks {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s in flight to slot %s: %w", counted(requests), slot, ctx.Err())
		case <-end.C:
			if requests == 0 {
				return nil
			}
			return fmt.Errorf("the drain timeout of %s is over with %s in flight to slot %s", timeout, counted(requests), slot)
		case <-ticker.C:
		}
	}
}

func counted(requests int) string {
	if requests == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", requests)
}
