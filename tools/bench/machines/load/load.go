// Package load sends HTTP requests at a constant rate, whether or not earlier ones were answered, and loses count of none: each one
// that was sent is answered, failed on purpose, or lost, with the cause.
//
// It speaks HTTP/1.1 over plain connections and takes little of the machine: what it measures runs beside it. It never sends a request
// a second time.
package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Options of a load.
type Options struct {
	// Targets are host:port, each given every so many'th request, and those of each kind.
	Targets []string
	// Rate in requests a second. The even ones come on fresh connections, the odd ones on connections that are kept alive.
	Rate int
	// Path of ordinary requests; SlowPath that of one in SlowEvery, which is answered late. SlowEvery 0: none.
	Path, SlowPath string
	SlowEvery      int
	// Timeout of a request, from its connection to the last byte of its answer.
	Timeout time.Duration
}

// FaultHeader is on answers that fail on purpose: they are not lost.
const FaultHeader = "X-Fault"

// ReleaseHeader says which release answered; an answer without it is a proxy's own.
const ReleaseHeader = "X-Release"

// maxIdle is how long a kept connection may be idle and still be used: less than what servers allow.
const maxIdle = 2 * time.Second

// Running is a load that flows.
type Running struct {
	options  Options
	requests [2][2][]byte // by slow and kept
	pools    []*pool
	stop     context.CancelFunc
	paced    chan struct{} // closed when nothing more is sent
	inFlight sync.WaitGroup

	mu    sync.Mutex
	tally Tally
}

// Start begins to send, until Stop or the end of ctx.
func Start(ctx context.Context, o Options) (*Running, error) {
	if len(o.Targets) == 0 || o.Rate <= 0 || o.Rate > 100_000 || o.SlowEvery < 0 || o.Timeout <= 0 {
		return nil, fmt.Errorf("a load of %d requests a second to %q with a timeout of %s, one in %d slow: that cannot be", o.Rate, o.Targets, o.Timeout, o.SlowEvery)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Running{options: o, stop: stop, paced: make(chan struct{})}
	for slow, path := range []string{o.Path, o.SlowPath} {
		text := "GET " + path + " HTTP/1.1\r\nHost: load\r\n"
		r.requests[slow] = [2][]byte{[]byte(text + "Connection: close\r\n\r\n"), []byte(text + "\r\n")}
	}
	for range o.Targets {
		r.pools = append(r.pools, &pool{})
	}
	r.tally = newTally()
	go r.pace(ctx)
	return r, nil
}

// Stop sends nothing more, waits for the answers that are still due, each at most its timeout, and returns what all came to.
func (r *Running) Stop() Tally {
	r.stop()
	<-r.paced
	r.inFlight.Wait()
	for _, p := range r.pools {
		p.close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally.clone()
}

// Tally is what it came to so far; of requests in flight it knows that they were sent.
func (r *Running) Tally() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally.clone()
}

// pace sends what is due. What fell due while the machine gave this process no time is sent at once when it does, so that the rate holds.
func (r *Running) pace(ctx context.Context) {
	defer close(r.paced)
	// What the dispatcher itself needs to be on time: a tick shorter than the time between requests.
	period := time.Second / time.Duration(r.options.Rate)
	ticker := time.NewTicker(min(period, time.Millisecond))
	defer ticker.Stop()
	began := time.Now()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		due := int(time.Since(began) / period)
		r.mu.Lock()
		r.tally.Sent += int64(max(due-n, 0))
		r.mu.Unlock()
		for ; n < due; n++ {
			request := r.request(n)
			request.due = began.Add(time.Duration(n+1) * period)
			r.inFlight.Go(func() { r.keep(r.send(request)) })
		}
	}
}

// request is one that is to be sent.
type request struct {
	due        time.Time
	target     int
	kept, slow bool
}

// request says what the n-th is like. Each target gets as many of each kind, and slow ones are of both kinds and to all targets.
func (r *Running) request(n int) request {
	q := request{kept: n%2 == 1, target: n / 2 % len(r.options.Targets)}
	if every := r.options.SlowEvery; every > 0 {
		q.slow = n%every == n/every%min(2*len(r.options.Targets), every)
	}
	return q
}

func (r *Running) keep(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(o)
}
