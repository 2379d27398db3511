package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// observe asks a node, in one conversation and behind commands, for the backend's servers and for their statistics.
//
// HAProxy is asked for one backend's statistics, by its number: while something is waited for it is asked many times a second, and it may
// have thousands of servers. By the backend's name it would find a frontend that is called as it first, which has none. Another process, since a
// reload, may have given it another number; the servers' state tells.
func (r *Router) observe(ctx context.Context, n *node, ask func(ctx context.Context, commands ...string) ([]string, error), commands ...string) ([]api.Server, []api.Stat, error) {
	number := n.backend.Load()
	proxy := "-1" // all of them
	if number > 0 {
		proxy = strconv.FormatInt(number, 10)
	}
	answers, err := ask(ctx, append(slices.Clip(commands), r.showServers(), "show stat "+proxy+" 4 -1")...)
	if err != nil {
		return nil, nil, refusedOnce(err)
	}
	state, statistics := answers[len(answers)-2], answers[len(answers)-1]
	servers, err := api.ParseServers(state)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: read the servers of backend %s: %w", n.client, r.backend, err)
	}
	if len(servers) > 0 && number != int64(servers[0].BackendID) {
		n.backend.Store(int64(servers[0].BackendID))
		if number > 0 {
			return r.observe(ctx, n, ask)
		}
	}
	if strings.TrimSpace(statistics) == "" {
		return servers, nil, nil
	}
	stats, err := api.ParseStat(statistics)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: read the statistics of backend %s: %w", n.client, r.backend, err)
	}
	return servers, slices.DeleteFunc(stats, func(s api.Stat) bool { return s.Proxy != r.backend || s.Kind != api.KindServer }), nil
}
