// Package haproxy counts requests by what HAProxy counts of its servers, on all of the router's nodes. Nothing is asked of the service
// itself, and failures are counted that an instance cannot count: connections that it refuses, answers that it does not end.
//
// # What is counted
//
// A request is counted once, on the server that it ended on, when its answer begins or when it fails:
//
//   - an answer with a status from 200 (hrsp_2xx to hrsp_5xx); from 500 on it is an error,
//   - a connection that could not be made, after the last retry (econ): the user has a 503, an error,
//   - an answer that did not come, was none, or did not come in time (eresp): the user has a 502 or a 504, an error,
//   - an answer that broke off or stopped in its body (srv_abrt): counted with its status as a request, and as an error.
//
// Retries that succeed, on the server or on another, are neither requests nor errors of the server that failed: the user has a good
// answer. They are in the series wretr and wredis. What no server is to blame for is not counted: no server was available, a rule answered,
// the user went away. Nor are connections that were upgraded (101), and health checks.
//
// HAProxy counts some failures in eresp twice (the server resets the connection), and some in both eresp and srv_abrt (the body ends too
// early), and attempts that were repeated on another server stay in eresp. So what has no answer is bounded by the sessions (stot)
// that came to nothing else: see counters.go. The tests in facts_test.go hold what users saw against what is counted.
//
// HAProxy has means and maxima of durations, and no distribution: latency cannot be judged by this source.
package haproxy

import (
	"context"
	"errors"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var _ delivery.Metrics = (*HAProxy)(nil)

// Node is one HAProxy process.
type Node struct {
	// Name is unique among the nodes.
	Name   string
	Client *haproxy.Client
}

// Match tells whether a server of the backend leads to an instance.
type Match func(s haproxy.Server, i service.Instance) bool

// HAProxy reads the counters of all nodes. It is safe for concurrent use; its samplers are not.
type HAProxy struct {
	nodes   []Node
	backend string
	match   Match
}

// New returns the metrics of the servers in backend, added up over nodes. match nil: ByAddress.
func New(nodes []Node, backend string, match Match) *HAProxy {
	if match == nil {
		match = ByAddress
	}
	return &HAProxy{nodes: nodes, backend: backend, match: match}
}

// ByAddress matches a server that is at the instance's address, as the router understands it.
func ByAddress(s haproxy.Server, i service.Instance) bool { return s.At(i.Address) }

// Sampler begins to count what m asks of p's instances; the first Sample sets the mark.
func (h *HAProxy) Sampler(p service.Placement, m delivery.Measure) delivery.Sampler {
	return &sampler{haproxy: h, placement: p, measure: m, marks: map[key]mark{}}
}

// key of a server over all nodes.
type key struct{ node, server string }

// seen is a server as a node shows it.
type seen struct {
	key
	// process is another one after a reload or a restart of the node.
	process process
	server  haproxy.Server
	counted counters
}

// process tells one process of a node from the next.
type process struct {
	pid     int
	started int64
}

// read asks all nodes, side by side, for all servers of the backend. One that cannot be asked is an error: without it neither a sum nor
// an increase would be right.
func (h *HAProxy) read(ctx context.Context) ([]seen, error) {
	type answer struct {
		node int
		all  []seen
		err  error
	}
	if len(h.nodes) == 0 {
		return nil, errors.New("there is no node of HAProxy")
	}
	answers := make(chan answer, len(h.nodes))
	for n, node := range h.nodes {
		go func() {
			all, err := h.readNode(ctx, node)
			answers <- answer{n, all, err}
		}()
	}
	perNode, failed := make([][]seen, len(h.nodes)), make([]error, len(h.nodes))
	for range h.nodes {
		a := <-answers
		perNode[a.node], failed[a.node] = a.all, a.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return slices.Concat(perNode...), errors.Join(failed...)
}

// readNode asks one node, over one connection, so that all is of one process.
func (h *HAProxy) readNode(ctx context.Context, node Node) ([]seen, error) {
	snapshot, err := node.Client.Snapshot(ctx, h.backend)
	if err != nil {
		return nil, err
	}
	stats := map[string]haproxy.Stat{}
	for _, s := range snapshot.Stats {
		stats[s.Name] = s
	}
	var all []seen
	for _, s := range snapshot.Servers {
		if stat, there := stats[s.Name]; there { // else it was removed, or added, between the two answers
			all = append(all, seen{
				key: key{node.Name, s.Name}, process: process{snapshot.Info.Pid, snapshot.Info.Started.Unix()}, server: s, counted: countersOf(stat),
			})
		}
	}
	return all, nil
}

// of tells whether the server leads to an instance of p.
func (h *HAProxy) of(s seen, p service.Placement) bool {
	return slices.ContainsFunc(p.Instances, func(i service.Instance) bool { return h.match(s.server, i) })
}
