package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

const warmInterval = 25 * time.Millisecond

// warmUp makes the servers of a node that get weight anew ready without any, and waits until HAProxy holds them to be up by a check of now.
func (r *Router) warmUp(ctx context.Context, c *change) error {
	var names []string
	for _, a := range c.aims {
		s, _ := find(c.now.servers, a.server)
		if a.weight == 0 || s.Eligible() || s.Weight > 0 && !s.Admin.Maint() && !s.Admin.Drain() {
			continue // it gets nothing, is up, or is HAProxy's to judge already
		}
		names = append(names, a.server)
	}
	if len(names) == 0 {
		return nil
	}
	if err := fence.Check(ctx, "warm-up of node "+c.node.name); err != nil {
		return err
	}
	c.touched = true
	var made readied
	way := []string{ready}
	err := persist(ctx, func() (err error) {
		made, err = r.makeReady(ctx, c.node, names, way...)
		way = afresh
		return err
	})
	if err != nil {
		return err
	}
	if err := r.waitFor(ctx, c.node, names, made, c.goneFor); err != nil {
		return err
	}
	if c.now, err = r.insist(ctx, c.node); err != nil {
		return err
	}
	return r.stale(ctx, c.node, c.now)
}

// readied are servers that were made ready without weight.
type readied struct {
	// looks at the backend's servers right after it; passed checks count from there.
	looks map[string]look
	// by is the process that made them ready.
	by process
}

// makeReady has a node make servers ready without weight, by way of these states. From here on a passed check shows in the health that HAProxy
// counts, except where it counts none: those servers begin at its bottom.
func (r *Router) makeReady(ctx context.Context, n *node, names []string, states ...string) (made readied, err error) {
	var commands, down []string
	for _, name := range names {
		commands = append(commands, "set server "+r.at(name)+" weight 0")
		for _, state := range states {
			commands = append(commands, "set server "+r.at(name)+" state "+state)
		}
	}
	if made.looks, err = r.look(ctx, n, commands...); err != nil {
		return made, err
	}
	for _, name := range names {
		l := made.looks[name]
		if made.by = l.process; l.server.Checked() && l.rise > 0 && l.fall <= 1 {
			down = append(down, "set server "+r.at(name)+" health down")
		}
	}
	if len(down) > 0 {
		made.looks, err = r.look(ctx, n, down...)
	}
	return made, err
}

// afresh is the way to ready for a server that another process may have made ready: HAProxy forgets on it what it made of a state file.
var afresh = []string{maint, ready}

// lost tells whether a server that was made ready by a process is to be made ready again: it was put in maintenance since, or another process
// answers, which holds it to be up, and by a state file even to have passed all checks, whatever has found so. One that has weight there is
// that process' to judge.
func (l look) lost(by process) bool {
	return l.server.Admin&api.ForcedMaint != 0 || l.process != by && l.server.Weight == 0
}

// waitFor polls until the servers are warm, for r.warmWithin at most. The node may be gone for goneFor meanwhile.
func (r *Router) waitFor(ctx context.Context, n *node, names []string, made readied, goneFor time.Duration) error {
	ticker := time.NewTicker(warmInterval)
	defer ticker.Stop()
	// since is when the last check passed, and passed the health that the servers had then. failed: a check failed.
	began, passed, failed := time.Now(), map[string]int{}, false
	answered := began
	since, ends := began, began.Add(r.warmWithin)
	looks, by := made.looks, map[string]process{}
	for _, name := range names {
		passed[name], by[name] = looks[name].health, made.by
	}
	for {
		var cold, again []string
		unchecked := true // none of the cold ones has been checked since
		for _, name := range names {
			l, found := looks[name]
			if !found {
				return fmt.Errorf("%s: server %s is gone", n.client, name)
			}
			if l.lost(by[name]) {
				again = append(again, name)
			} else if l.warm() {
				continue
			}
			cold = append(cold, fmt.Sprintf("server %s at %s (%s)", name, l.server.Place(), l.status))
			unchecked = unchecked && l.unchecked(passed[name])
		}
		// Until a server has been checked, there is nothing to be said of it. Checks that pass and fail in turn come to no end.
		gaveUp := time.Now().After(ends) || !unchecked && time.Since(since) > r.warmFor
		switch all, waited := strings.Join(cold, "; "), time.Since(began).Round(100*time.Millisecond); {
		case len(cold) == 0:
			return nil
		case gaveUp && unchecked && !failed:
			return fmt.Errorf("%s: HAProxy has not checked %s as often as it takes within %s: its checks come too seldom to wait for; %s", n.client, all, r.warmWithin, r.oftener())
		case gaveUp:
			return fmt.Errorf("%s: HAProxy's own checks do not find up %s, after %s: a release that answers its own probe and not these needs other lines in backend %s, such as `option httpchk` with its path; "+
				"where they come more seldom than that, %s", n.client, all, waited, r.backend, r.oftener())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: wait until HAProxy finds up %s: %w", n.client, strings.Join(cold, "; "), context.Cause(ctx))
		case <-ticker.C:
		}
		var next map[string]look
		var err error
		if len(again) == 0 {
			next, err = r.look(ctx, n)
		} else {
			made, err = r.makeReady(ctx, n, again, afresh...)
			next = made.looks
		}
		if gone(err) && !errors.Is(err, context.Cause(ctx)) && time.Now().Before(ends) && time.Since(answered) < goneFor {
			continue // it is reloaded
		}
		if err != nil {
			return err
		}
		answered = time.Now()
		for _, name := range names {
			switch l, before := next[name], looks[name]; {
			case slices.Contains(again, name):
				since, passed[name], by[name] = time.Now(), l.health, made.by
			case l.health > before.health:
				since, passed[name] = time.Now(), l.health
			case l.health < before.health:
				failed = true
			}
		}
		looks = next
	}
}

// oftener says how checks come often enough. HAProxy goes on with `inter` while a server is in maintenance, whatever fastinter and downinter
// are, and does not say how long that is.
func (r *Router) oftener() string {
	const what = "`check inter 2s`"
	if r.dynamic != nil {
		return "write " + what + " into dynamic.options"
	}
	return fmt.Sprintf("write %s into the servers' lines in haproxy.cfg, or `default-server inter 2s` into backend %s, and reload HAProxy", what, r.backend)
}
