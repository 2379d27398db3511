package component

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
)

// Refusing is an address of loopback, host:port, that refuses connections until the test ends: its port is bound, so that nobody else gets it,
// and nothing listens at it.
func Refusing(t testing.TB) string {
	t.Helper()
	return RefusingAt(t, "127.0.0.1")
}

// RefusingAt is Refusing at an address of this machine's, of IPv4.
func RefusingAt(t testing.TB, address string) string {
	t.Helper()
	port, release, err := bind(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return net.JoinHostPort(address, strconv.Itoa(port))
}

// bind binds a port that the kernel chooses. Package net has no socket that is bound to a port of TCP and does not listen.
func bind(address string) (port int, release func(), err error) {
	at, err := netip.ParseAddr(address)
	if err != nil || !at.Is4() {
		return 0, nil, fmt.Errorf("bind a socket that refuses at %q, which is no address of IPv4: %w", address, err)
	}
	syscall.ForkLock.RLock() // A child would hold the port beyond the test.
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, nil, fmt.Errorf("make a socket that refuses: %w", err)
	}
	release = func() { _ = syscall.Close(socket) }
	var bound syscall.Sockaddr
	if err = syscall.Bind(socket, &syscall.SockaddrInet4{Addr: at.As4()}); err == nil {
		bound, err = syscall.Getsockname(socket)
	}
	if err != nil {
		release()
		return 0, nil, fmt.Errorf("bind a socket that refuses: %w", err)
	}
	return bound.(*syscall.SockaddrInet4).Port, release, nil //nolint:forcetypeassert // it was bound to one
}
