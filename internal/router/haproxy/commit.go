package haproxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// putBackFor bounds what undoes a change.
const putBackFor = 15 * time.Second

// commit brings a node's servers to aims in one go, and reads them back: first what the process that was told has, then, over a
// connection of its own, what the one that answers has, which after a reload is another. Between the two the state file is written. The
// epoch of ctx's fence goes with it: where a newer one turns out to be noted, what was before is put back, and the
// error is fence.ErrStale.
func (r *Router) commit(ctx context.Context, n *node, now state, aims []aim) error {
	deadline := time.Now().Add(insistFor)
	for {
		if err := fence.Check(ctx, "weights of node "+n.name); err != nil {
			return err
		}
		before, after, err := r.tell(ctx, n, now, aims)
		if errors.Is(err, fence.ErrStale) {
			return and(err, r.yield(ctx, n, before, aims))
		}
		if err != nil && !gone(err) {
			return err
		}
		var fresh state
		var unread error
		if err == nil && r.stateFile != "" {
			crashpoint.Reach("in state file of node " + n.name)
			fresh, unread = r.keep(ctx, n, after)
		} else {
			fresh, unread = r.insist(ctx, n)
		}
		if unread != nil {
			return and(err, unread)
		}
		if err == nil {
			wrong := missed(fresh.servers, aims)
			if wrong == nil {
				return nil
			}
			err = fmt.Errorf("%s: the weights were set, and are others a moment later: HAProxy was reloaded, or something else sets them: %w", n.client, wrong)
		}
		if stale := r.stale(ctx, n, fresh); stale != nil {
			return stale
		}
		if time.Now().After(deadline) || pause(ctx) != nil {
			return err
		}
		now = fresh
	}
}

// stale tells whether ctx's run has lost its lease, or a newer one has set a node's weights.
func (r *Router) stale(ctx context.Context, n *node, s state) error {
	f, found := fence.From(ctx)
	switch {
	case !found:
		return nil
	case newer(s.note, f):
		return fmt.Errorf("%s has the weights of a newer run: %w", n.client, fence.ErrStale)
	case f.Valid != nil && !f.Valid():
		return fmt.Errorf("weights: %w", fence.ErrStale)
	}
	return nil
}

// tell sends a node all of a change over one connection. before is the state that it had right before it, and after what it says of all of its
// servers, or without a state file of the backend's, right after it.
func (r *Router) tell(ctx context.Context, n *node, now state, aims []aim) (before state, after string, err error) {
	f, fenced := fence.From(ctx)
	commands := []string{experimental, r.getNote(), r.showServers()}
	if fenced && now.note != noteOf(f) {
		commands = append(commands, r.setNote(noteOf(f)))
	}
	commands = append(commands, r.commands(now.servers, aims)...)
	if r.stateFile == "" {
		commands = append(commands, r.showServers())
	} else {
		commands = append(commands, showAll)
	}
	answers, err := n.client.Command(ctx, commands...)
	if err := needed(err); err != nil {
		return before, "", err
	}
	before.note = parseNote(answers[1])
	if before.servers, err = api.ParseServers(answers[2]); err != nil {
		return before, "", fmt.Errorf("%s: read the servers of backend %s: %w", n.client, r.backend, err)
	}
	if fenced && newer(before.note, f) {
		return before, "", fmt.Errorf("%s has the weights of a newer run: %w", n.client, fence.ErrStale)
	}
	after = answers[len(answers)-1]
	servers, err := api.ParseServers(after)
	if err != nil {
		return before, "", fmt.Errorf("%s: read the servers of backend %s back: %w", n.client, r.backend, err)
	}
	if err := missed(r.inBackend(servers), aims); err != nil {
		return before, "", fmt.Errorf("%s: HAProxy does not have what it was told: %w", n.client, err)
	}
	return before, after, nil
}

func (r *Router) inBackend(servers []api.Server) []api.Server {
	var in []api.Server
	for _, s := range servers {
		if s.Backend == r.backend {
			in = append(in, s)
		}
	}
	return in
}

// yield puts back what a newer run had set, its epoch with it.
func (r *Router) yield(ctx context.Context, n *node, before state, mine []aim) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackFor)
	defer cancel()
	now, err := r.insist(ctx, n)
	if err != nil {
		return err
	}
	if missed(now.servers, mine) != nil {
		return nil // the newer run has set its weights again
	}
	commands := append([]string{experimental, r.setNote(before.note)}, r.commands(now.servers, r.asTheyAre(before.servers))...)
	_, err = n.client.Command(ctx, commands...)
	return needed(err)
}
