package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

var buffers = sync.Pool{New: func() any { return new([answerLimit]byte) }}

// send sends one request and waits for its answer.
func (r *Running) send(q request) outcome {
	o := outcome{request: q, began: time.Now()}
	var err error
	o.answer, o.reused, err = r.ask(q, o.began.Add(r.options.Timeout))
	o.ended = time.Now()
	switch {
	case err != nil:
		o.lost = cause(err)
	case o.answer.fault:
	case o.answer.status != 200 && o.answer.release == "":
		o.lost = fmt.Sprintf("%d of the proxy", o.answer.status)
	case o.answer.status != 200:
		o.lost = fmt.Sprintf("%d of an instance", o.answer.status)
	}
	return o
}

func (r *Running) ask(q request, deadline time.Time) (a answer, reused bool, err error) {
	var c *net.TCPConn
	if q.kept {
		c = r.pools[q.target].take()
		reused = c != nil
	}
	if c == nil {
		d := net.Dialer{Deadline: deadline}
		opened, err := d.Dial("tcp", r.options.Targets[q.target]) //nolint:noctx // it has a deadline
		if err != nil {
			return a, false, fmt.Errorf("connect: %w", err)
		}
		c = opened.(*net.TCPConn) //nolint:forcetypeassert // that is what TCP gives
	}
	keep := false
	defer func() {
		if keep {
			r.pools[q.target].put(c)
		} else {
			_ = c.Close()
		}
	}()
	if err := c.SetDeadline(deadline); err != nil {
		return a, reused, fmt.Errorf("connect: %w", err)
	}
	if _, err := c.Write(r.requests[index(q.slow)][index(q.kept)]); err != nil {
		return a, reused, fmt.Errorf("write: %w", err)
	}
	buffer := buffers.Get().(*[answerLimit]byte) //nolint:forcetypeassert // nothing else is in there
	defer buffers.Put(buffer)
	a, err = readAnswer(c, buffer[:])
	keep = err == nil && q.kept && !a.last
	return a, reused, err
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cause puts an error into few words, the same for all of a kind.
func cause(err error) string {
	what := "the answer was cut off"
	switch {
	case errors.Is(err, errNothing):
		what = "nothing was answered"
	case isDial(err):
		what = "no connection"
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return what + ": timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return what + ": refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return what + ": reset"
	case errors.Is(err, io.EOF):
		return what + ": closed"
	}
	return what + ": " + err.Error()
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
