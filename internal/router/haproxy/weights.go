package haproxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
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
	byNode := make([]map[string]int, len(r.nodes))
	var mutex sync.Mutex
	errs := r.each(func(n *node) error {
		s, err := r.read(ctx, n)
		mutex.Lock()
		defer mutex.Unlock()
		byNode[slices.Index(r.nodes, n)] = r.weightsOf(s.servers)
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

// Warnings has a sentence on each thing that a plan should tell: what a reload or restart of HAProxy would lose, a state file that is
// behind, nodes that differ. It changes nothing.
func (r *Router) Warnings(ctx context.Context) ([]string, error) {
	byNode, err := r.weightsByNode(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the split: %w", err)
	}
	var warnings []string
	if !same(byNode) {
		text := "The nodes of HAProxy differ:"
		for i, n := range r.nodes {
			text += fmt.Sprintf(" %s has %s;", n.name, shares(byNode[i]))
		}
		seen := between(byNode)
		warnings = append(warnings, fmt.Sprintf("%s. The weights that are read of them, %s, are about their mean, and together %d %%, so that they are those of no split. The next split sets all of them alike.",
			text[:len(text)-1], shares(seen), apart))
	}
	switch {
	case r.dynamic != nil:
		warnings = append(warnings, fmt.Sprintf("A reload or restart of HAProxy loses the servers of backend %s that were added while it runs, and with them all of the service's traffic, "+
			"until the next apply adds them again. Servers in haproxy.cfg and a state file keep them.", r.backend))
	case r.stateFile == "":
		warnings = append(warnings, fmt.Sprintf("A reload or restart of HAProxy brings back the weights that haproxy.cfg gives the servers of backend %s: there is no state_file. "+
			"A plan then shows the difference, and an apply repairs it. To keep them, name a file as state_file, in a directory that the user of each node's login may write to "+
			"(`install -d -o <user> /var/lib/haproxy-state`), and write its path into haproxy.cfg:\n\n%s", r.backend, stateFileLines("/var/lib/haproxy-state/servers")))
	default:
		behind, err := r.behind(ctx)
		if err != nil {
			return warnings, err
		}
		warnings = append(warnings, behind...)
	}
	return warnings, nil
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
