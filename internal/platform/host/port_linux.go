package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// listening is who accepts connections to an instance's address.
type listening struct {
	// own: a process of the instance does.
	own bool
	// others describes somebody else who does; empty if nobody.
	others string
}

// listenersOf finds out who listens on the instance's port, given what runs as the instance.
func listenersOf(i service.Instance, running supervisor.Status) (listening, error) {
	host, port, err := endpoint(i)
	if err != nil {
		return listening{}, err
	}
	// A host name may stand for any address of the machine.
	address, _ := netip.ParseAddr(host)
	all, err := process.Listeners(address, port)
	if err != nil || len(all) == 0 {
		return listening{}, err
	}
	held, hidden, err := socketsOf(running)
	if err != nil {
		return listening{}, err
	}
	var found listening
	for _, l := range all {
		if held[l.Inode] {
			found.own = true
			continue
		}
		holder, known := process.Holder(l.Inode)
		switch {
		case known && running.Supervisor.PID > 0 && holder.Session == running.Supervisor.PID && running.Supervisor.SinceBoot():
			found.own = true // Started since we looked.
		case known:
			found.others = "process " + holder.String()
		case hidden:
			// A program with capabilities of its own hides its sockets from other processes of its user.
			found.own = true
		default:
			found.others = fmt.Sprintf("a process of the user with the id %d", l.User)
		}
	}
	return found, nil
}

// socketsOf collects the sockets of an instance's processes; hidden tells that one does not let us see them.
func socketsOf(running supervisor.Status) (held map[uint64]bool, hidden bool, err error) {
	members, err := running.Group().Members()
	if err != nil {
		return nil, false, err
	}
	held = map[uint64]bool{}
	for _, m := range members {
		sockets, err := process.Sockets(m.PID)
		if errors.Is(err, fs.ErrPermission) {
			hidden = true
		}
		for inode := range sockets {
			held[inode] = true
		}
	}
	return held, hidden, nil
}

// portProblem tells who stands in the way of an instance that is to listen; empty if nobody.
func portProblem(i service.Instance, running supervisor.Status) (string, error) {
	found, err := listenersOf(i, running)
	if err != nil || found.others == "" {
		return "", err
	}
	_, port, err := endpoint(i)
	return fmt.Sprintf("port %d of %s is held by another program: %s", port, i.Name, found.others), err
}
