package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// look is what a node says of one server.
type look struct {
	server             api.Server
	health, rise, fall int
	status             string
	// process that says so.
	process process
}

// process is one of those that answer at a node's socket, one after the other.
type process struct {
	pid     int
	started time.Time
}

// warm: up, by a check of now where there are checks. HAProxy counts passed checks up to rise+fall-1, and begins at rise.
func (l look) warm() bool {
	return l.server.Eligible() && (!l.server.Checked() || l.rise == 0 || l.health >= l.rise+l.fall-1)
}

// look runs commands, and returns what the node says of the backend's servers then.
func (r *Router) look(ctx context.Context, n *node, commands ...string) (map[string]look, error) {
	var said []string
	ask := func(ctx context.Context, commands ...string) (answers []string, err error) {
		said, err = n.client.Command(ctx, append([]string{"show info"}, commands...)...)
		return said, err
	}
	servers, stats, err := r.observe(ctx, n, ask, commands...)
	if err != nil {
		return nil, err
	}
	info, err := api.ParseInfo(said[0])
	if err != nil {
		return nil, fmt.Errorf("%s: read what it says about itself: %w", n.client, err)
	}
	looks := map[string]look{}
	for _, s := range servers {
		looks[s.Name] = look{server: s, process: process{info.Pid, info.Started}}
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
