package haproxy

import (
	"context"
	"fmt"
	"slices"
)

// Snapshot is what one process says in one conversation.
type Snapshot struct {
	Info    Info
	Servers []Server
	// Stats of the backend: its servers, and itself.
	Stats []Stat
}

// Snapshot asks for the state and the statistics of a backend, and for the process that they are of, so that they are of one process
// even while HAProxy reloads. A backend that is not there is an error with ErrNoBackend that names those there are.
func (c *Client) Snapshot(ctx context.Context, backend string) (Snapshot, error) {
	s, err := c.snapshot(ctx, backend, backend)
	if err == nil && len(s.Stats) == 0 {
		// A name is looked for among frontends first, and one may have that of the backend.
		s, err = c.snapshot(ctx, backend, "-1")
	}
	return s, err
}

// snapshot looks for the backend in the statistics of the proxy with this name or number, -1 for all.
func (c *Client) snapshot(ctx context.Context, backend, proxy string) (s Snapshot, err error) {
	answers, err := c.Query(ctx, "show info", "show servers state "+backend, "show stat "+proxy+" 6 -1")
	if err != nil {
		return s, c.nameBackends(ctx, backend, err)
	}
	if s.Info, err = ParseInfo(answers[0]); err == nil {
		if s.Servers, err = ParseServers(answers[1]); err == nil {
			s.Stats, err = ParseStat(answers[2])
		}
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("%s: read the backend %s: %w", c.name, backend, err)
	}
	s.Stats = slices.DeleteFunc(s.Stats, func(stat Stat) bool { return stat.Proxy != backend })
	return s, nil
}
