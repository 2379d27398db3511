package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/bluegreen"
)

// change is what one node is to be brought to.
type change struct {
	node *node
	// before is what it had, servers that were added for this included; now is what it has right before the weights are set.
	before, now state
	aims        []aim
	// leftover are servers of ours that are in no slot any more.
	leftover []string
	// touched: there may be something to put back; told: it may have another split than before.
	touched, told bool
	err           error
	// goneFor is how long it may be gone while it is warmed up.
	goneFor time.Duration
	// absent is why a node that does not answer is left out of a split.
	absent error
}

// SetWeights sets the split on all nodes side by side, and reads it back from each. A slot that gets traffic anew gets it when HAProxy's own
// checks of its servers have passed; where none passes for a quarter of a minute, or not all that it takes do within service.HAProxyWarmUp, nothing
// is changed. A server of a slot that none of the instances of the slot's placement is at gets nothing, and the others get its share; where
// split has no placement for a slot, all of its servers get something. Where one node fails, the others are put back to what they had, and the error says of each what it has now:
// a *delivery.Unmoved where all that were told have that again.
//
// With split.Back nothing is waited for and nothing put back: each node that can be reached has the traffic where it is to go, and the error
// names those that have not. With split.Partly nodes that do not answer, or stop to on the way, are left out, while one does: the others are set
// as if they were all. With either the error is a *delivery.SilentParts where that is all that is wrong.
func (r *Router) SetWeights(ctx context.Context, split delivery.Split) error {
	if err := bluegreen.CheckWeights(split.Weights); err != nil {
		return fmt.Errorf("set the weights %v: %w", split.Weights, err)
	}
	var wanted map[string][]added
	if r.dynamic != nil {
		var err error
		if wanted, err = r.dynamic.wanted(split.Placements); err != nil {
			return fmt.Errorf("set the weights to %s: %w", shares(split.Weights), err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("set the weights to %s: %w", shares(split.Weights), err)
	}
	if err := fence.Check(ctx, "weights"); err != nil {
		return err
	}
	changes := make([]*change, len(r.nodes))
	for i, n := range r.nodes {
		changes[i] = &change{node: n, goneFor: r.warmWithin}
		if split.Partly {
			changes[i].goneFor = insistFor // the others wait for it
		}
	}
	begin := func(ctx context.Context, c *change) error { return r.begin(ctx, c, split, wanted) }
	commit := func(ctx context.Context, c *change) error {
		c.touched, c.told = true, true
		return r.commit(ctx, c.node, c.now, c.aims)
	}
	steps := []func(context.Context, *change) error{begin, r.warmUp, commit}
	if split.Back {
		// A node that does not answer keeps no other one waiting.
		steps = []func(context.Context, *change) error{func(ctx context.Context, c *change) error {
			if err := begin(ctx, c); err != nil {
				return err
			}
			return commit(ctx, c)
		}}
	}
	for _, step := range steps {
		r.on(changes, func(c *change) error { return step(ctx, c) })
		if split.Partly || split.Back {
			leaveOut(ctx, changes)
		}
		if failed(changes) && (!split.Back || stale(changes)) {
			r.putBack(ctx, changes)
			err := r.failure(ctx, changes, split)
			if stale(changes) || slices.ContainsFunc(changes, func(c *change) bool { return c.told }) {
				return err
			}
			return &delivery.Unmoved{Err: err}
		}
	}
	if failed(changes) {
		return r.failure(ctx, changes, split)
	}
	r.on(changes, func(c *change) error { r.clear(ctx, c.node, c.leftover); return nil })
	if slices.ContainsFunc(changes, func(c *change) bool { return c.absent != nil }) {
		return &delivery.SilentParts{Err: r.failure(ctx, changes, split)}
	}
	return nil
}

// on runs do for each node's change that has not failed, side by side.
func (r *Router) on(changes []*change, do func(c *change) error) {
	r.each(func(n *node) error {
		c := changes[slices.Index(r.nodes, n)]
		if c.err == nil && c.absent == nil {
			c.err = do(c)
		}
		return c.err
	})
}

// leaveOut takes the nodes that do not answer out of a change, where one does. What those have that stop to while they are told is not known.
func leaveOut(ctx context.Context, changes []*change) {
	if ctx.Err() != nil || !slices.ContainsFunc(changes, func(c *change) bool { return c.err == nil && c.absent == nil }) {
		return
	}
	for _, c := range changes {
		if silent(c.err) {
			c.absent, c.err = c.err, nil
		}
	}
}

// begin reads what a node has, adds the servers that it should have, and says what each is to be.
func (r *Router) begin(ctx context.Context, c *change, split delivery.Split, wanted map[string][]added) (err error) {
	err = persist(ctx, func() error {
		if c.now, err = r.read(ctx, c.node); err != nil {
			return err
		}
		if f, found := fence.From(ctx); found && newer(c.now.note, f) {
			return fmt.Errorf("%s has the weights of a newer run: %w", c.node.client, fence.ErrStale)
		}
		if r.dynamic != nil {
			c.now.servers, err = r.ensure(ctx, c.node, c.now.servers, wanted)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.before = c.now
	if c.aims, c.leftover, err = r.aims(c.now.servers, split, wanted); err != nil {
		return fmt.Errorf("%s: %w", c.node.client, err)
	}
	return nil
}

func failed(changes []*change) bool {
	return slices.ContainsFunc(changes, func(c *change) bool { return c.err != nil })
}

func stale(changes []*change) bool {
	return slices.ContainsFunc(changes, func(c *change) bool { return errors.Is(c.err, fence.ErrStale) })
}

// putBack gives the nodes that were changed what they had before. A run that has lost its lease leaves them.
func (r *Router) putBack(ctx context.Context, changes []*change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	r.each(func(n *node) error {
		c := changes[slices.Index(r.nodes, n)]
		if !c.touched || errors.Is(c.err, fence.ErrStale) || errors.Is(c.err, api.ErrPermission) {
			return nil // nothing was changed, or it is another's to change
		}
		now, err := r.insist(ctx, n)
		if err == nil {
			err = r.stale(ctx, n, now)
		}
		if err == nil {
			err = r.commit(ctx, n, now, r.asTheyAre(c.before.servers))
		}
		switch {
		case err == nil:
			c.told = false
		case !errors.Is(err, fence.ErrStale):
			c.err = and(c.err, fmt.Errorf("put back what was before: %w", err))
		}
		return nil
	})
}

// failure says of each node what happened and what it has now.
func (r *Router) failure(ctx context.Context, changes []*change, split delivery.Split) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	have := make([]string, len(r.nodes))
	r.each(func(n *node) error {
		i := slices.Index(r.nodes, n)
		if s, err := r.read(ctx, n); err != nil {
			have[i] = "does not say what it has"
		} else {
			have[i] = "has " + shares(r.weightsOf(s.servers))
		}
		return nil
	})
	var err error
	var nodes string
	for i, c := range changes {
		err = and(err, and(c.absent, c.err))
		nodes += fmt.Sprintf("; node %s now %s", c.node.name, have[i])
	}
	return fmt.Errorf("set the weights of backend %s to %s: %w%s", r.backend, shares(split.Weights), err, nodes)
}

// and is both errors in one sentence; either may be nil.
func and(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return fmt.Errorf("%w; %w", first, second)
}
