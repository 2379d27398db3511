package freeport

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"syscall"
)

// reserved are the ports that this process was given so far, each with the socket whose name keeps it from other processes.
var reserved = struct {
	sync.Mutex
	ports map[int]net.Listener
}{ports: map[int]net.Listener{}}

// reserve takes a port for this process until it ends, and tells whether it could: somebody may have it already.
func reserve(port int) (bool, error) {
	reserved.Lock()
	defer reserved.Unlock()
	if _, given := reserved.ports[port]; given {
		return false, nil
	}
	var held net.Listener
	// A name that goes with the process, in its network as the port is. Only Linux has such names: elsewhere a file would be made.
	if runtime.GOOS == "linux" {
		var err error
		held, err = net.Listen("unix", fmt.Sprintf("@terraform-provider-deploy/port/%d", port)) //nolint:noctx // it waits for nothing
		if errors.Is(err, syscall.EADDRINUSE) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("reserve port %d: %w", port, err)
		}
	}
	reserved.ports[port] = held
	return true, nil
}

// giveBack ends the reservation of a port that nobody was given.
func giveBack(port int) {
	reserved.Lock()
	defer reserved.Unlock()
	if held := reserved.ports[port]; held != nil {
		_ = held.Close()
	}
	delete(reserved.ports, port)
}
