package component

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// It refuses, and nobody else can have its port.
func TestRefusing(t *testing.T) {
	address := Refusing(t)
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connection: %v", err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err == nil {
		_ = l.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("another one listens there: %v", err)
	}
}
