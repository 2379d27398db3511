package traffic

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Flood sends n requests as fast as they are answered, at most workers at once, on connections that are kept alive. The first that
// is not answered well ends it, and is the error.
func (c *Client) Flood(ctx context.Context, n, workers int) error {
	defer c.kept.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var work sync.WaitGroup
	for range workers {
		work.Go(func() {
			for ctx.Err() == nil {
				number := sent.Add(1)
				if number > int64(n) {
					return
				}
				if r := c.send(ctx, c.urlOf(int(number)), false); r.Class() != Good {
					cancel(fmt.Errorf("send %d requests to %s: one of them was %s, with status %d (%s)", n, r.URL, r.Class(), r.Status, r.Error))
				}
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}
