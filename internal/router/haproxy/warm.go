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
	var commands, names []string
	for _, a := range c.aims {
		s, _ := find(c.now.servers, a.server)
		if a.weight == 0 || s.Eligible() || s.Weight > 0 && !s.Admin.Maint() && !s.Admin.Drain() {
			continue // it gets nothing, is up, or is HAProxy's to judge already
		}
		names = append(names, a.server)
		commands = append(commands, "set server "+r.at(a.server)+" weight 0", "set server "+r.at(a.server)+" state "+ready)
	}
	if len(names) == 0 {
		return nil
	}
	if err := fence.Check(ctx, "warm-up of node "+c.node.name); err != nil {
		return err
	}
	c.touched = true
	var first map[string]look
	err := persist(ctx, func() (err error) {
		first, err = r.look(ctx, c.node, commands...)
		return err
	})
	if err != nil {
		return err
	}
	// From here on a passed check shows in the health that HAProxy counts, except where it counts none: those servers begin at its bottom.
	commands = nil
	for _, name := range names {
		if l := first[name]; l.server.Checked() && l.rise > 0 && l.fall <= 1 {
			commands = append(commands, "set server "+r.at(name)+" health down")
		}
	}
	if len(commands) > 0 {
		err := persist(ctx, func() (err error) {
			first, err = r.look(ctx, c.node, commands...)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := r.waitFor(ctx, c.node, names, first, c.goneFor); err != nil {
		return err
	}
	if c.now, err = r.insist(ctx, c.node); err != nil {
		return err
	}
	return r.stale(ctx, c.node, c.now)
}

// look is what a node says of one server.
type look struct {
	server             api.Server
	health, rise, fall int
	status             string
}

// warm: up, by a check of now where there are checks. HAProxy counts passed checks up to rise+fall-1, and begins at rise.
func (l look) warm() bool {
	return l.server.Eligible() && (!l.server.Checked() || l.rise == 0 || l.health >= l.rise+l.fall-1)
}

// look runs commands, and returns what the node says of the backend's servers then.
func (r *Router) look(ctx context.Context, n *node, commands ...string) (map[string]look, error) {
	servers, stats, err := r.observe(ctx, n, n.client.Command, commands...)
	if err != nil {
		return nil, err
	}
	looks := map[string]look{}
	for _, s := range servers {
		looks[s.Name] = look{server: s}
	}
	for _, stat := range stats {
		l := looks[stat.Name]
		number := func(name string) int { v, _ := stat.Number(name); return int(v) } // 0 where it is not checked
		l.health, l.rise, l.fall = number("check_health"), number("check_rise"), number("check_fall")
		l.status = lastCheck(stat)
		looks[stat.Name] = l
	}
	return looks, nil
}

// lastCheck is a server's state and the last check's result, in HAProxy's words.
func lastCheck(stat api.Stat) string {
	var parts []string
	for _, field := range []string{"status", "check_status", "check_code", "check_desc", "last_chk"} {
		if text := stat.Text(field); text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// unchecked tells whether no check has come to its end since the server had this health: it would have changed it. Where one check decides
// that cannot be told, and a server that is down may have been found so again.
func (l look) unchecked(health int) bool {
	return l.server.Checked() && l.fall > 1 && l.health > 0 && l.health == health
}

// waitFor polls until the servers are warm, for r.warmWithin at most. The node may be gone for goneFor meanwhile.
func (r *Router) waitFor(ctx context.Context, n *node, names []string, looks map[string]look, goneFor time.Duration) error {
	ticker := time.NewTicker(warmInterval)
	defer ticker.Stop()
	// since is when the last check passed, and passed the health that the servers had then. failed: a check failed.
	began, passed, failed := time.Now(), map[string]int{}, false
	answered := began
	since, ends := began, began.Add(r.warmWithin)
	for _, name := range names {
		passed[name] = looks[name].health
	}
	for {
		var cold, again []string
		unchecked := true // none of the cold ones has been checked since
		for _, name := range names {
			l, found := looks[name]
			if !found {
				return fmt.Errorf("%s: server %s is gone", n.client, name)
			}
			if !l.warm() {
				cold = append(cold, fmt.Sprintf("server %s at %s (%s)", name, l.server.Place(), l.status))
				unchecked = unchecked && l.unchecked(passed[name])
				if l.server.Admin&api.ForcedMaint != 0 {
					again = append(again, "set server "+r.at(name)+" weight 0", "set server "+r.at(name)+" state "+ready) // a reload brought it back
				}
			}
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
		next, err := r.look(ctx, n, again...)
		if gone(err) && !errors.Is(err, context.Cause(ctx)) && time.Now().Before(ends) && time.Since(answered) < goneFor {
			continue // it is reloaded
		}
		if err != nil {
			return err
		}
		answered = time.Now()
		for _, name := range names {
			switch l, before := next[name], looks[name]; {
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
