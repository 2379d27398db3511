//go:build linux

package secureshell_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// both runs test over a TCP and over a Unix socket on the machine.
func both(t *testing.T, serve func(net.Conn), test func(t *testing.T, dial func(context.Context) (net.Conn, error))) {
	t.Helper()
	server := sshtest.Start(t)
	m := machine(t, server)
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": server.Path("socket")} {
		t.Run(network, func(t *testing.T) {
			listener := listen(t, network, address, serve)
			test(t, func(ctx context.Context) (net.Conn, error) { return m.Dial(ctx, network, listener.Addr().String()) })
		})
	}
}

func TestDialFromTheMachine(t *testing.T) {
	both(t, echo, func(t *testing.T, dial func(context.Context) (net.Conn, error)) {
		connection, err := dial(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		if connection.RemoteAddr().String() == "" || connection.LocalAddr().String() == "" {
			t.Error("it has no addresses")
		}
		text := strings.Repeat("0123456789", 500_000)
		go func() {
			_, _ = io.WriteString(connection, text)
			half, ok := connection.(interface{ CloseWrite() error })
			if !ok || half.CloseWrite() != nil {
				t.Error("its writing side is not closed")
			}
		}()
		_ = connection.SetDeadline(time.Now().Add(patience))
		got, err := io.ReadAll(connection)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestDeadlinesOfAConnection(t *testing.T) {
	both(t, echo, func(t *testing.T, dial func(context.Context) (net.Conn, error)) {
		connection, err := dial(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		buffer := make([]byte, 64)
		expire := func(set func()) {
			t.Helper()
			set()
			n, err := connection.Read(buffer)
			var timeout net.Error
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("%d, %v", n, err)
			}
		}
		expire(func() { _ = connection.SetReadDeadline(time.Now().Add(-time.Second)) })
		expire(func() { _ = connection.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) })
		// One that is set while a read waits, as contexts do it.
		expire(func() {
			_ = connection.SetReadDeadline(time.Time{})
			time.AfterFunc(20*time.Millisecond, func() { _ = connection.SetReadDeadline(time.Unix(1, 0)) })
		})
		expire(func() {
			_ = connection.SetReadDeadline(time.Now().Add(time.Hour))
			time.AfterFunc(20*time.Millisecond, func() { _ = connection.SetReadDeadline(time.Now().Add(time.Millisecond)) })
		})
		// What comes after a deadline is not lost, and read in pieces.
		if _, err := io.WriteString(connection, "hello"); err != nil {
			t.Fatal(err)
		}
		_ = connection.SetReadDeadline(time.Now().Add(patience))
		for _, want := range []string{"he", "ll", "o"} {
			if _, err := io.ReadFull(connection, buffer[:len(want)]); err != nil || string(buffer[:len(want)]) != want {
				t.Errorf("%q, %v", buffer[:len(want)], err)
			}
		}
		// A read that waits ends with Close.
		time.AfterFunc(20*time.Millisecond, func() { _ = connection.Close() })
		if _, err := connection.Read(buffer); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := connection.Write(buffer); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

func TestWriteDeadline(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	both(t, func(net.Conn) { <-release }, func(t *testing.T, dial func(context.Context) (net.Conn, error)) {
		connection, err := dial(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		_ = connection.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		chunk := make([]byte, 1<<20)
		for range 64 {
			if _, err = connection.Write(chunk); err != nil {
				break
			}
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestOtherSideThatCloses(t *testing.T) {
	both(t, func(c net.Conn) { _, _ = io.WriteString(c, "bye") }, func(t *testing.T, dial func(context.Context) (net.Conn, error)) {
		connection, err := dial(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		_ = connection.SetDeadline(time.Now().Add(patience))
		if got, err := io.ReadAll(connection); err != nil || string(got) != "bye" {
			t.Errorf("%q, %v", got, err)
		}
		for err == nil {
			_, err = connection.Write([]byte("x"))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
	})
}

func TestDialThatFails(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	unused := component.FreePorts(t, 1)[0]
	for _, c := range []struct{ network, address, words string }{
		{"tcp", unused, "does something listen there?"},
		{"unix", server.Path("missing"), "does the socket exist"},
		{"tcp", "127.0.0.1", "missing port"},
		{"tcp", "127.0.0.1:http", "is no port"},
		{"udp", "127.0.0.1:53", "neither tcp nor unix"},
	} {
		if err := fails(t, func() (net.Conn, error) { return m.Dial(bounded(t), c.network, c.address) }, c.words); errors.Is(err, secureshell.ErrForbidden) {
			t.Errorf("nothing is forbidden: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Dial(ctx, "tcp", unused); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestForwardingThatIsForbidden(t *testing.T) {
	server := sshtest.Start(t, "AllowTcpForwarding no", "AllowStreamLocalForwarding no")
	m := machine(t, server)
	tcp := listen(t, "tcp", "127.0.0.1:0", echo)
	if err := fails(t, func() (net.Conn, error) { return m.Dial(bounded(t), "tcp", tcp.Addr().String()) }, "AllowTcpForwarding must be yes"); !errors.Is(err, secureshell.ErrForbidden) {
		t.Errorf("not forbidden: %v", err)
	}
	socket := listen(t, "unix", server.Path("socket"), echo)
	_ = fails(t, func() (net.Conn, error) { return m.Dial(bounded(t), "unix", socket.Addr().String()) }, "AllowStreamLocalForwarding")
}

func fails(t *testing.T, dial func() (net.Conn, error), words string) error {
	t.Helper()
	connection, err := dial()
	if err == nil {
		_ = connection.Close()
		t.Fatalf("it connects, where %q was to come", words)
	}
	if errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("the machine is there: %v", err)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("%q is not in: %v", words, err)
	}
	return err
}
