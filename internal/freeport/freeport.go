// Package freeport finds ports for servers of tests.
package freeport

import (
	"fmt"
	"net"
	"sync"
)

// given are the ports that this process was given so far: the kernel may offer one again before its owner listens, or while it is down.
var given struct {
	sync.Mutex
	ports map[int]bool
}

// Find returns n ports that nothing listens on at address, such as "127.0.0.1" or, for all of this machine's, "0.0.0.0". A process is given each
// port once, whatever the address. Another process may take one before its server listens.
func Find(address string, n int) ([]int, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = make(map[int]bool)
	}
	var ports []int
	for len(ports) < n {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0")) //nolint:noctx // it waits for nothing
		if err != nil {
			return nil, fmt.Errorf("find a free port at %s: %w", address, err)
		}
		defer func() { _ = l.Close() }() // All of them at once, or the kernel would offer one again.
		//nolint:forcetypeassert // a listener of TCP has an address of TCP
		if port := l.Addr().(*net.TCPAddr).Port; !given.ports[port] {
			given.ports[port] = true
			ports = append(ports, port)
		}
	}
	return ports, nil
}
