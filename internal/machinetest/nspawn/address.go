package nspawn

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// place is an address of the loopback network that this process alone uses for a machine, while it is held.
type place struct {
	address string
	held    net.Listener
}

// reserve finds an address that no other process has reserved. The name of a socket is what is reserved: it goes with the
// process.
func reserve() (place, error) {
	var err error
	for range 100 {
		address := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)) //nolint:gosec // no secret
		var held net.Listener
		//nolint:noctx // it waits for nothing
		if held, err = net.Listen("unix", "@terraform-provider-deploy/machine/"+address); err == nil {
			return place{address, held}, nil
		}
	}
	return place{}, fmt.Errorf("reserve a loopback address for a machine: %w", err)
}

// given are the ports that this process was given so far: the kernel may offer one again before its owner listens, or while it is down.
var given struct {
	sync.Mutex
	ports map[int]bool
}

// FreePorts are ports that nothing on this machine listens on at any address, so that each of its guests may. A process is given each of
// them once.
func FreePorts(n int) ([]int, error) { return freePorts("0.0.0.0", n) }

func freePorts(address string, n int) ([]int, error) {
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
