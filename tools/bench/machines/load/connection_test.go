package load

import (
	"net"
	"testing"
	"time"
)

// A connection that was closed while it was idle carries no request: so no client loses one by it.
func TestIdleConnectionsThatWereClosed(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	d := net.Dialer{}
	client, err := d.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var p pool
	p.put(client.(*net.TCPConn)) //nolint:forcetypeassert // that is what TCP gives
	if got := p.take(); got != client {
		t.Fatalf("an open connection is not used: %v", got)
	}
	p.put(client.(*net.TCPConn)) //nolint:forcetypeassert // as above
	_ = server.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		c := p.take()
		if c == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a closed connection is used")
		}
		p.put(c)
	}
}
