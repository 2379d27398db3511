// Package haproxy splits traffic by the weights of the servers in a backend of HAProxy, which it sets through the Runtime API of one
// process or of several that stand side by side. It writes no configuration and reloads nothing.
//
// Which servers are a slot's is said by their names, in the user's configuration (static) or in what is added here (dynamic). All
// others of the backend are left alone, and are in no sum.
//
// A slot that has no traffic is in maintenance with weight 0: it gets no new request, also none that a cookie or a stick table would send
// there, is not checked, and what is in flight there goes on, unless its servers have `on-marked-down shutdown-sessions`. Leaving
// maintenance, HAProxy holds a server to be up until its first check says otherwise. So a slot that gets traffic anew is first made ready
// without weight, until a check has passed; traffic that goes back (Split.Back) does not wait.
//
// The sums of the weights are exact. What HAProxy makes of them depends on its algorithm: roundrobin and random follow them request by
// request, leastconn favours servers that have little to do, and hashes with `hash-type consistent` split what is hashed. Cookies,
// stick tables, `option prefer-last-server` and slow start bend all of them.
package haproxy

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/bluegreen"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The slots.
const (
	blue  = bluegreen.Blue
	green = bluegreen.Green
)

const (
	defaultDrainTimeout = 30 * time.Second
	defaultTimeout      = 5 * time.Second
	defaultWarmFor      = 15 * time.Second
)

// Access is how one node is come to.
type Access struct {
	// Dial opens a connection to its stats socket.
	Dial api.Dialer
	// Files of its machine, for the state file; nil: those of this machine.
	Files Files
}

// Dialer connects to n's stats socket by dial, which is that of a net.Dialer, or of the machine that n is reached through.
func Dialer(n service.HAProxyNode, dial func(ctx context.Context, network, address string) (net.Conn, error)) api.Dialer {
	network, address := "unix", n.Socket
	if n.Address != "" {
		network, address = "tcp", n.Address
	}
	return func(ctx context.Context) (net.Conn, error) { return dial(ctx, network, address) }
}

// Router is the backend of one or several HAProxy processes. It is safe for concurrent use; two writers at once leave the weights of one
// of them, or an error.
type Router struct {
	id           service.ID
	backend      string
	nodes        []*node
	servers      map[string][]string
	dynamic      *dynamic
	stateFile    string
	drainTimeout time.Duration
	// warmFor is how long HAProxy's own checks of a server may take to pass, from the last one that did.
	warmFor time.Duration
	// warmWithin bounds all of it, also while no check has come to its end since: they come as often as `inter` says.
	warmWithin time.Duration
}

// node is one HAProxy process, or the one that took its place.
type node struct {
	name   string
	client *api.Client
	// files of the machine that it runs on, which is called machine.
	files   Files
	machine string
	// backend is the number that the backend had when the node was asked last, 0 before.
	backend atomic.Int64
}

// New returns the router of d for the service called id, between slots, which must be blue and green. access says how each node is come
// to, by its name. It asks nobody.
func New(d service.HAProxyRouter, id service.ID, slots []string, access func(node string) Access) (*Router, error) {
	if err := bluegreen.Usable(unusable(d, slots)); err != nil {
		return nil, fmt.Errorf("use HAProxy as the router: %w", err)
	}
	r := &Router{
		id: id, backend: d.Backend, servers: d.Servers, stateFile: d.StateFile,
		drainTimeout: d.DrainTimeout.D(), warmFor: defaultWarmFor, warmWithin: service.HAProxyWarmUp,
	}
	if r.drainTimeout == 0 {
		r.drainTimeout = defaultDrainTimeout
	}
	if d.Dynamic != nil {
		r.dynamic = newDynamic(id, d.Dynamic.Options)
	}
	timeout := d.Timeout.D()
	if timeout == 0 {
		timeout = defaultTimeout
	}
	for _, name := range slices.Sorted(maps.Keys(d.Nodes)) {
		a := access(name)
		if a.Files == nil {
			a.Files = LocalFiles{}
		}
		r.nodes = append(r.nodes, &node{
			name: name, client: api.New(nodeName(name, d.Nodes[name]), a.Dial, timeout),
			files: boundedFiles{a.Files, filesTimeout}, machine: machineOf(d.Nodes[name]),
		})
	}
	return r, nil
}

// nodeName is a node for people: "node a (deploy@10.0.0.5:/run/haproxy/admin.sock)".
func nodeName(name string, n service.HAProxyNode) string {
	where := n.Socket + n.Address
	if n.SSH != nil {
		where = strings.TrimPrefix(n.SSH.User+"@", "@") + n.SSH.Address + ": " + where
	}
	return fmt.Sprintf("node %s (%s)", name, where)
}

// slots of the backend's servers: those that are ours, by slot, in HAProxy's order.
func (r *Router) slots(servers []api.Server) map[string][]api.Server {
	ours := map[string][]api.Server{}
	for _, s := range servers {
		if slot := r.slotOf(s.Name); slot != "" {
			ours[slot] = append(ours[slot], s)
		}
	}
	return ours
}

// slotOf is the slot that a server is of; empty where it is none of ours.
func (r *Router) slotOf(server string) string {
	slots := []string{blue, green}
	for _, slot := range slots {
		if r.dynamic != nil && r.dynamic.owns(slot, server) || slices.Contains(r.servers[slot], server) {
			return slot
		}
	}
	for _, slot := range slots {
		if r.dynamic == nil && len(r.servers[slot]) == 0 && namedFor(server, slot) {
			return slot
		}
	}
	return ""
}

// namedFor tells whether a server is named for a slot: blue, blue-a, blue_a, blue1. One that is somebody else's all the same is told apart by
// where it is (strangers), before the first split.
func namedFor(server, slot string) bool {
	rest, ok := strings.CutPrefix(server, slot)
	return ok && (rest == "" || rest[0] == '-' || rest[0] == '_' || rest[0] >= '0' && rest[0] <= '9')
}
