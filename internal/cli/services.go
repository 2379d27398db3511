package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// standing is where a service stands.
type standing struct {
	Service service.ID        `json:"service"`
	Stable  service.ReleaseID `json:"stable,omitempty"`
	// Status: "ready", "in progress", "open", "interrupted", "restore failed" or "retired".
	Status string                       `json:"status"`
	Held   map[service.ReleaseID]string `json:"held,omitempty"`
	// Open is the release that is being introduced.
	Open service.ReleaseID `json:"open,omitempty"`
}

func standingOf(id service.ID, view ledger.View) standing {
	s := standing{Service: id, Stable: view.State.Stable, Held: view.State.Held, Status: "ready"}
	if a := view.State.OpenAttempt(); a != nil {
		s.Open, s.Status = a.Release, "open"
	}
	switch {
	case view.State.Broken != nil:
		s.Status = "restore failed"
	case view.Interrupted() != nil, view.Untidied() != nil:
		s.Status = "interrupted"
	case view.Alive:
		s.Status = "in progress"
	case view.State.Retired:
		s.Status = "retired"
	}
	return s
}

// services reads where each service of the store stands.
func (o *options) services(ctx context.Context) ([]standing, error) {
	s, _, err := connect.Store(ctx, o.storeURL())
	if err != nil {
		return nil, err
	}
	ids, err := ledger.Services(ctx, s)
	if err != nil {
		return nil, err
	}
	standings := []standing{}
	for _, id := range ids {
		view, err := ledger.Open(s, id).Read(ctx)
		if err != nil {
			return nil, err
		}
		if view.State.Number > 0 {
			standings = append(standings, standingOf(id, view))
		}
	}
	return standings, nil
}

func (o *options) printServices(ctx context.Context) error {
	all, err := o.services(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(map[string]any{"store": o.storeURL(), "services": all})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(o.out, "the store %s has no services\n", o.storeURL())
		return err
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, s := range all {
		stable := "no release"
		if s.Stable != "" {
			stable = s.Stable.Label()
		}
		var more []string
		if s.Open != "" {
			more = append(more, "introduces "+s.Open.Label())
		}
		for _, held := range slices.Sorted(maps.Keys(s.Held)) {
			more = append(more, "holds "+held.Label())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Service, stable, s.Status, strings.Join(more, ", "))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the services: %w", err)
	}
	return nil
}
