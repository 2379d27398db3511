package secureshell

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

var errCutOff = errors.New("the other side closed it")

// client is a connection that is logged in.
type client struct {
	link  *link
	shell *ssh.Client
	wire  *watchedConn
	// slots holds an element for each script that runs.
	slots chan struct{}
	files files
	// abandoned counts the scripts that were given up and go on there all the same.
	abandoned atomic.Int32
	// retired: it ends with its last use.
	retired atomic.Bool
	uses    atomic.Int32
	// lost is closed when the connection has ended; cause says why.
	lost  chan struct{}
	once  sync.Once
	cause error
}

// serve keeps an eye on a connection until it ends.
func (l *link) serve(shell *ssh.Client, wire *watchedConn) *client {
	c := &client{link: l, shell: shell, wire: wire, slots: make(chan struct{}, maxSessions), lost: make(chan struct{})}
	l.connections.remember(c)
	started := l.connections.start(func() {
		err := shell.Wait()
		if err == nil || errors.Is(err, io.EOF) {
			err = errCutOff
		}
		c.end(err)
		l.leave(c)
		l.connections.forget(c)
	})
	if !started || !l.connections.start(c.keepAlive) {
		c.end(errClosed)
	}
	return c
}

// end closes the connection, for cause; all that runs over it fails.
func (c *client) end(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.lost)
		// The wire itself: whoever waits to write to it shall not be waited for.
		_ = c.wire.Close()
	})
}

// retire ends the connection when nothing runs over it any more, and has the next caller dial anew.
func (c *client) retire() {
	c.link.leave(c)
	c.retired.Store(true)
	c.used(0)
}

// used notes that by more, or fewer, things run over the connection.
func (c *client) used(by int32) {
	if c.uses.Add(by) == 0 && c.retired.Load() {
		c.end(errors.New("it is no longer needed"))
	}
}

// release gives the place of a script to the next.
func (c *client) release() {
	<-c.slots
	c.used(-1)
}

func (c *client) gone() bool {
	select {
	case <-c.lost:
		return true
	default:
		return c.wire.failed.Load()
	}
}

// why is the error of what was done over a connection that is lost.
func (c *client) why() error {
	<-c.lost
	return notReached("the connection to %s was lost: %w", c.link, c.cause)
}

// keepAlive asks again and again whether the machine is still there. Any byte from it is an answer, so that a question that waits behind much data
// in flight ends nothing.
func (c *client) keepAlive() {
	options := c.link.connections.options
	v := newVigil(options)
	ticker := time.NewTicker(options.KeepAlive)
	defer ticker.Stop()
	var asking atomic.Bool
	for {
		select {
		case <-c.lost:
			return
		case <-ticker.C:
		}
		if silent := v.silent(c.wire.times()); silent >= options.Silence {
			c.end(fmt.Errorf("nothing came from it for %s", silent.Round(time.Second)))
			return
		}
		if !asking.CompareAndSwap(false, true) {
			continue
		}
		c.link.connections.start(func() {
			defer asking.Store(false)
			_, _, _ = c.shell.SendRequest("keepalive@openssh.com", true, nil)
		})
	}
}

// watchedConn notes when something came, and that nothing will come any more.
type watchedConn struct {
	net.Conn
	begun  time.Time
	heard  atomic.Int64 // since begun
	failed atomic.Bool
	// acknowledge may be nil.
	acknowledge func()
}

func watch(connection net.Conn) *watchedConn {
	return &watchedConn{Conn: connection, begun: time.Now(), acknowledge: acknowledger(connection)}
}

func (w *watchedConn) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.begun)))
		if w.acknowledge != nil {
			w.acknowledge()
		}
	}
	if err != nil {
		w.failed.Store(true)
	}
	return n, err
}

// times are now, and when something came last, since it was begun.
func (w *watchedConn) times() (now, heard time.Duration) {
	return time.Since(w.begun), time.Duration(w.heard.Load())
}
