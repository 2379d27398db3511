package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

const (
	// insistFor is how long a change tries to reach a node that does not answer: one that is restarted comes back within it.
	insistFor      = 3 * time.Second
	insistInterval = 50 * time.Millisecond
)

// state is what one node says.
type state struct {
	// note is that of the last run that set weights; empty where there is none.
	note string
	// servers of the backend, ours and others.
	servers []api.Server
}

// showAll shows the servers of all backends, as the state file holds them.
const showAll = "show servers state"

// read asks a node for its state.
func (r *Router) read(ctx context.Context, n *node) (state, error) {
	s, _, err := r.readBy(ctx, n, r.showServers())
	return s, err
}

// readBy is read by one of the two commands that show servers, with its answer.
func (r *Router) readBy(ctx context.Context, n *node, show string) (s state, text string, err error) {
	answers, err := n.client.Query(ctx, r.getNote(), show)
	if err := needed(err); err != nil {
		if errors.Is(err, api.ErrNoBackend) {
			_, err = n.client.Servers(ctx, r.backend) // names the backends that there are
		}
		if err != nil {
			return s, "", err
		}
		return s, "", fmt.Errorf("%s: the backend %s came into being just now: ask again", n.client, r.backend)
	}
	servers, err := api.ParseServers(answers[1])
	if err != nil {
		return s, "", fmt.Errorf("%s: read the servers of backend %s: %w", n.client, r.backend, err)
	}
	return state{note: parseNote(answers[0]), servers: r.inBackend(servers)}, answers[1], nil
}

func (r *Router) showServers() string { return "show servers state " + r.backend }

// insist reads as read does, and for a while again where the node is gone.
func (r *Router) insist(ctx context.Context, n *node) (s state, err error) {
	err = persist(ctx, func() error {
		s, err = r.read(ctx, n)
		return err
	})
	return s, err
}

// persist does what may be done twice, and for a while again where the node is gone.
func persist(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(insistFor)
	for {
		err := do()
		if err == nil || !gone(err) || time.Now().After(deadline) {
			return err
		}
		if waited := pause(ctx); waited != nil {
			return fmt.Errorf("%w (%w)", err, waited)
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(insistInterval):
		return nil
	}
}

// gone tells whether there was no connection, or it broke, or led to a process that a reload has told to end: another try may find the
// process that took the place of this one.
func gone(err error) bool {
	var refused *api.AnswerError
	return errors.Is(err, api.ErrUnreachable) || errors.Is(err, api.ErrBroken) ||
		errors.As(err, &refused) && strings.HasPrefix(refused.Answer, "Proxy is disabled")
}

// silent tells whether a node does not answer. One that does not let us in does.
func silent(err error) bool {
	return (errors.Is(err, api.ErrUnreachable) || errors.Is(err, api.ErrBroken)) && !errors.Is(err, fs.ErrPermission)
}

// needed is err without the refusals of commands that a process may refuse, told once.
func needed(err error) error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the client joins one error a command, and nothing else is meant
	if !ok {
		return err
	}
	var rest []error
	for _, one := range joined.Unwrap() {
		var refused *api.AnswerError
		if errors.As(one, &refused) && isNote(refused.Command) {
			continue
		}
		rest = append(rest, one)
	}
	return refusedOnce(errors.Join(rest...))
}

// refusedOnce is err with one refusal for all commands that got the same answer.
func refusedOnce(err error) error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // as above
	if !ok {
		return err
	}
	var rest []error
	said := map[string]*api.AnswerError{}
	for _, one := range joined.Unwrap() {
		var refused *api.AnswerError
		if errors.As(one, &refused) {
			if first := said[refused.Answer]; first != nil {
				first.Alike++
				continue
			}
			said[refused.Answer] = refused
		}
		rest = append(rest, one)
	}
	return errors.Join(rest...)
}

// weightsOf is the split by a node's servers: whole percent by slot, together 100, or all 0 where none of them has weight. A slot that has
// something has 1 at least: one that reads as 0 may be stopped.
func (r *Router) weightsOf(servers []api.Server) map[string]int {
	sums := map[string]int{}
	for _, s := range servers {
		if slot := r.slotOf(s.Name); slot != "" && !s.Admin.Maint() && !s.Admin.Drain() {
			sums[slot] += s.Weight
		}
	}
	total := sums[blue] + sums[green]
	if total == 0 {
		return map[string]int{blue: 0, green: 0}
	}
	share := (200*sums[green] + total) / (2 * total)
	if sums[blue] > 0 && sums[green] > 0 {
		share = min(max(share, 1), 99)
	}
	return map[string]int{blue: 100 - share, green: share}
}
