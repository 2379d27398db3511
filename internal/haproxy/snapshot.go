package haproxy

import (
	"context"
	"fmt"
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
func (c *Client) Snapshot(ctx context.Context, backend string) (s Snapshot, err error) {
	answers, err := c.Query(ctx, "show info", "show servers state "+backend, "show stat "+backend+" 6 -1")
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
	return s, nil
}
