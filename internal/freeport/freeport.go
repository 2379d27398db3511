// Package freeport finds ports for servers of tests, of benchmarks and of the demo.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	// lowest is above the ports that servers have by custom.
	lowest = 10_000
	// tries for one port below those that the kernel chooses, before it is asked to choose.
	tries = 100
)

// Find returns n ports that nothing listens on at address, such as "127.0.0.1" or, for all of this machine's, "0.0.0.0". Each is given once,
// whatever the address, to one process of this machine as long as that lives (elsewhere than on Linux: once by each process).
//
// They lie below the ports that the kernel gives to outgoing connections and to servers that ask for any: so nobody gets one by chance before
// its server listens, or while that is down. Where nothing is below, the kernel chooses.
func Find(address string, n int) ([]int, error) {
	limit := outgoingFrom()
	var ports []int
	for range n {
		port, err := find(address, lowest, limit)
		if err != nil {
			return nil, fmt.Errorf("find a free port at %s: %w", address, err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// find reserves a port from first up to limit, or one that the kernel chooses.
func find(address string, first, limit int) (int, error) {
	if first < limit {
		for range tries {
			port := first + rand.IntN(limit-first) //nolint:gosec // no secret
			// Only then is it asked whether somebody listens: that takes the port for a moment, in which another's server may start there.
			ours, err := reserve(port)
			if err != nil {
				return 0, err
			}
			if !ours {
				continue
			}
			if listener, err := listen(address, port); err == nil {
				return port, listener.Close()
			}
			giveBack(port)
		}
	}
	for {
		listener, err := listen(address, 0)
		if err != nil {
			return 0, err
		}
		defer func() { _ = listener.Close() }()     // All of them at the end, or the kernel would offer one again.
		port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a listener of TCP has an address of TCP
		if ours, err := reserve(port); err != nil || ours {
			return port, err
		}
	}
}

func listen(address string, port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port))) //nolint:noctx // it waits for nothing
}

// outgoingFrom is the first port that the kernel gives to outgoing connections; 0 where that cannot be told.
func outgoingFrom() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	from, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\t")
	first, err := strconv.Atoi(from)
	if err != nil {
		return 0
	}
	return first
}
