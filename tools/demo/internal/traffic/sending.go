package traffic

import "context"

// Sending is a client at work.
type Sending struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Send sends rate requests a second in the background, and begins to keep records with the first answer that an instance
// gives: before it there is no service that could lose a request.
func (c *Client) Send(ctx context.Context, rate int, log *Log) *Sending {
	ctx, cancel := context.WithCancel(ctx)
	s := &Sending{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if c.WaitForAnswer(ctx) == nil {
			c.Run(ctx, rate, log.Keep)
		}
	}()
	return s
}

// Stop stops sending, and waits for the answers that are due.
func (s *Sending) Stop() {
	s.cancel()
	<-s.done
}
