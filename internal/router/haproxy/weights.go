package haproxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// each runs do for all nodes side by side, and returns what it returned for each, in the order of the nodes.
func (r *Router) each(do func(n *node) error) []error {
	errs := make([]error, len(r.nodes))
	if crashpoint.InTurn() {
		for i, n := range r.nodes {
			errs[i] = do(n)
		}
		return errs
	}
	var work sync.WaitGroup
	for i, n := range r.nodes {
		work.Go(func() { errs[i] = do(n) })
	}
	work.Wait()
	return errs
}

// Weights reads the split from each node: whole percent by slot, rounded, together 100. Servers in maintenance or draining have none.
// Where no server of either slot has weight anywhere, both have 0: that is what a reload without a state file may leave behind, and the next
// split repairs it. Nodes that differ give about their mean, in which each slot has something, so that none can be said to have all or
// nothing, and which is together 99: whatever split was asked for, this is another. Warnings says which has what. A node that does not answer
// is an error.
func (r *Router) Weights(ctx context.Context) (map[string]int, error) {
	byNode, err := r.weightsByNode(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the weights: %w", err)
	}
	if same(byNode) {
		return byNode[0], nil
	}
	return between(byNode), nil
}

func (r *Router) weightsByNode(ctx context.Context) ([]map[string]int, error) {
	servers, err := r.serversByNode(ctx)
	return r.weightsOfEach(servers), err
}

func (r *Router) weightsOfEach(servers [][]api.Server) []map[string]int {
	byNode := make([]map[string]int, len(servers))
	for i := range servers {
		byNode[i] = r.weightsOf(servers[i])
	}
	return byNode
}

// serversByNode are the backend's servers, ours and others, in the order of the nodes.
func (r *Router) serversByNode(ctx context.Context) ([][]api.Server, error) {
	byNode := make([][]api.Server, len(r.nodes))
	errs := r.each(func(n *node) error {
		s, err := r.read(ctx, n)
		byNode[slices.Index(r.nodes, n)] = s.servers // each node's own
		return err
	})
	return byNode, errors.Join(errs...)
}

func same(byNode []map[string]int) bool {
	return !slices.ContainsFunc(byNode, func(weights map[string]int) bool { return !maps.Equal(weights, byNode[0]) })
}

// apart is what the weights of nodes that differ are together: not 100, which those of a split are.
const apart = 99

// between is the mean of nodes that differ, of those that send anything anywhere, with 1 at least for each slot, together apart.
func between(byNode []map[string]int) map[string]int {
	total, sending := 0, 0
	for _, weights := range byNode {
		if weights[blue]+weights[green] > 0 {
			total, sending = total+weights[green], sending+1
		}
	}
	share := min(max(total/sending, 1), apart-1)
	return map[string]int{blue: apart - share, green: share}
}

// shares writes weights for people: "blue 75 %, green 25 %".
func shares(weights map[string]int) string {
	return fmt.Sprintf("%s %d %%, %s %d %%", blue, weights[blue], green, weights[green])
}

// placed are the placements that say anything, by slot.
func placed(placements []service.Placement) map[string]service.Placement {
	bySlot := map[string]service.Placement{}
	for _, p := range placements {
		if p.Placed() {
			bySlot[p.Slot] = p
		}
	}
	return bySlot
}
