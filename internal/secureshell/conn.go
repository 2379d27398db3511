package secureshell

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// conn is a channel as a net.Conn. The library's channels know no deadlines, so each read and write that has to wait does so beside its caller,
// who leaves when the deadline passes, also one that is set meanwhile.
type conn struct {
	channel       ssh.Channel
	client        *client
	remote        address
	closed        chan struct{}
	once          sync.Once
	reads, writes *deadline

	reading sync.Mutex
	// pending is the read in flight, that an earlier caller left; rest what was read and not yet taken.
	pending chan readOutcome
	buffer  []byte
	rest    []byte

	writing sync.Mutex
	// torn is set by a write that was left: nobody knows how much of it has been sent.
	torn bool
}

type readOutcome struct {
	n   int
	err error
}

// address is where a connection leads to; one of ours has no port of its own.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }

// readSize is what a channel holds at most of one packet.
const readSize = 32 << 10

func newConn(channel ssh.Channel, c *client, network, remote string) *conn {
	return &conn{
		channel: channel, client: c, remote: address{network, remote}, closed: make(chan struct{}),
		reads: newDeadline(), writes: newDeadline(),
	}
}

func (c *conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if err := c.ready(c.reads); err != nil || len(p) == 0 {
		return 0, err
	}
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	if c.pending == nil {
		if c.buffer == nil {
			c.buffer = make([]byte, readSize)
		}
		done := make(chan readOutcome, 1)
		c.pending = done
		go func() {
			n, err := c.channel.Read(c.buffer)
			done <- readOutcome{n, err}
		}()
	}
	select {
	case o := <-c.pending:
		c.pending = nil
		n := copy(p, c.buffer[:o.n])
		c.rest = c.buffer[n:o.n]
		if n > 0 {
			return n, nil // the channel says once more that it has ended
		}
		return 0, c.told(o.err)
	case <-c.reads.passed():
		return 0, os.ErrDeadlineExceeded
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.ready(c.writes); err != nil {
		return 0, err
	}
	if c.torn {
		return 0, os.ErrDeadlineExceeded
	}
	type outcome struct {
		n   int
		err error
	}
	done := make(chan outcome, 1)
	// A caller who leaves may use p again.
	data := append([]byte(nil), p...)
	go func() {
		n, err := c.channel.Write(data)
		done <- outcome{n, err}
	}()
	select {
	case o := <-done:
		if o.err = c.told(o.err); errors.Is(o.err, io.EOF) {
			o.err = syscall.EPIPE // as of a socket whose other side has gone
		}
		return o.n, o.err
	case <-c.writes.passed():
		c.torn = true
		return 0, os.ErrDeadlineExceeded
	case <-c.client.lost:
		return 0, c.client.why()
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// ready tells whether one may still read or write.
func (c *conn) ready(d *deadline) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	select {
	case <-d.passed():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// told is err of the channel, which says EOF as well where the connection below it was lost.
func (c *conn) told(err error) error {
	if errors.Is(err, io.EOF) && c.client.gone() {
		c.client.end(errCutOff)
		return c.client.why()
	}
	return err
}

// CloseWrite tells the other side that nothing more is sent.
func (c *conn) CloseWrite() error { return c.channel.CloseWrite() }

// Close ends the connection. It waits for nobody.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = nil
		close(c.closed)
		// Its last message may have to wait where the connection is stuck.
		go func() {
			_ = c.channel.Close()
			c.client.used(-1)
		}()
	})
	return err
}

func (c *conn) LocalAddr() net.Addr  { return address{c.remote.network, c.client.link.String()} }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.reads.set(t)
	return c.ended()
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writes.set(t)
	return c.ended()
}

func (c *conn) ended() error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
		return nil
	}
}
