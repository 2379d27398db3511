package caddy

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// resetting is a listener that resets the first connections, as one that a reload of Caddy closes does.
type resetting struct {
	net.Listener
	left atomic.Int32
}

func (l *resetting) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil || l.left.Add(-1) < 0 {
			return connection, err
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
}

// admin answers with an empty list, after resets connections were reset.
func admin(t *testing.T, resets int32) *adminAPI {
	t.Helper()
	plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &resetting{Listener: plain}
	listener.left.Store(resets)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("[]"))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	api, err := newAdminAPI("http://" + plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestConnectionCutOffByAReloadIsMadeAgain(t *testing.T) {
	if _, err := admin(t, 3).inFlight(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestConnectionCutOffForEverIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := admin(t, 1<<30).inFlight(ctx, nil); err == nil || !strings.Contains(err.Error(), "is not reachable") {
		t.Errorf("%v", err)
	}
}
