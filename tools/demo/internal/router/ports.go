package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	lowestPort = 10_000
	// tries for one port before giving up on the range.
	tries = 100
)

// FreePorts finds n ports of loopback that nobody listens on, by listening on them. They are free until somebody
// takes them, and a slot's port must stay free for minutes: so they lie below the range that the kernel takes the
// ports of outgoing connections from, of which the client alone makes dozens a second. Where nothing is below it,
// the kernel chooses.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	limit := outgoingFrom()
	var ports []int
	for range n {
		listener, err := listen(ctx, limit)
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		// Held until all are there, so that none comes twice.
		defer func() { _ = listener.Close() }()
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("find a free port: %s is no TCP address", listener.Addr())
		}
		ports = append(ports, address.Port)
	}
	return ports, nil
}

func listen(ctx context.Context, limit int) (net.Listener, error) {
	if limit-lowestPort > tries {
		for range tries {
			port := lowestPort + rand.IntN(limit-lowestPort) //nolint:gosec // no secret
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err == nil {
				return listener, nil
			}
		}
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

// outgoingFrom is the first port that the kernel uses for outgoing connections; 0 where that cannot be told.
func outgoingFrom() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\t")
	from, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return from
}
