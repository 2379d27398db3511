package load

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// pool has the kept connections to one target that are idle, the one that was used longest ago first: so all of them are used.
type pool struct {
	mu   sync.Mutex
	idle []idle
}

type idle struct {
	connection *net.TCPConn
	since      time.Time
}

// take is an idle connection that is usable; nil where there is none. Those that were closed from the other side meanwhile, or idle for
// too long, are let go, as clients do: nothing was sent on them.
func (p *pool) take() *net.TCPConn {
	for {
		p.mu.Lock()
		if len(p.idle) == 0 {
			p.mu.Unlock()
			return nil
		}
		first := p.idle[0]
		p.idle = append(p.idle[:0], p.idle[1:]...)
		p.mu.Unlock()
		if time.Since(first.since) < maxIdle && quiet(first.connection) {
			return first.connection
		}
		_ = first.connection.Close()
	}
}

func (p *pool) put(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, idle{c, time.Now()})
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.idle {
		_ = i.connection.Close()
	}
	p.idle = nil
}

// quiet tells whether a connection is open and has nothing to read.
func quiet(c *net.TCPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && open
}
