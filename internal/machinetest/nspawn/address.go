package nspawn

import (
	"fmt"
	"math/rand/v2"
	"net"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
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

// FreePorts are ports that nothing on this machine listens on at any address, so that each of its guests may; freeport.Find gives
// each once.
func FreePorts(n int) ([]int, error) { return freeport.Find("0.0.0.0", n) }
