package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How services stand.
const (
	statusReady       = "ready"
	statusInProgress  = "in progress"
	statusOpen        = "open"
	statusInterrupted = "interrupted"
	statusResizing    = "resizing"
	statusBroken      = "restore failed"
	statusRetired     = "retired"
	statusUnreadable  = "unreadable"
)

// standing is where a service stands.
type standing struct {
	Service service.ID                   `json:"service"`
	Stable  service.ReleaseID            `json:"stable,omitempty"`
	Status  string                       `json:"status"`
	Held    map[service.ReleaseID]string `json:"held,omitempty"`
	// Open is the release that is being introduced, by Attempt, and Weight what it has of the traffic, in whole percent.
	Open    service.ReleaseID `json:"open,omitempty"`
	Attempt int               `json:"attempt,omitempty"`
	Weight  *int              `json:"weight,omitempty"`
	// Error is why an unreadable ledger cannot be read.
	Error string `json:"error,omitempty"`

	// recovery says what a recovery would do.
	recovery string
}

func standingOf(id service.ID, view ledger.View) standing {
	s := standing{Service: id, Stable: view.State.Stable, Held: view.State.Held, Status: statusReady, recovery: recoveryWords(view)}
	if a := view.State.OpenAttempt(); a != nil {
		weight := a.Weight
		s.Open, s.Attempt, s.Weight, s.Status = a.Release, a.Number, &weight, statusOpen
	}
	switch {
	case view.State.Retired:
		s.Status = statusRetired // Nothing looks after what it may have left: a recovery of that service does, where one asks for it.
	case view.State.Broken != nil:
		s.Status = statusBroken
	case view.Interrupted() != nil, view.Unsettled():
		s.Status = statusInterrupted
	case view.Alive:
		s.Status = statusInProgress
	case delivery.Unsized(&view.State):
		s.Status = statusResizing
	}
	return s
}

// services reads where each service of the store stands. One whose ledger cannot be read does not hide the others.
func (o *options) services(ctx context.Context) ([]standing, error) {
	s, _, err := o.openStore(ctx)
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
		switch {
		case ctx.Err() != nil:
			return nil, err
		case err != nil:
			standings = append(standings, standing{Service: id, Status: statusUnreadable, Error: err.Error()})
		case view.State.Number > 0:
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
	unreadable := 0
	for _, s := range all {
		if s.Status == statusUnreadable {
			unreadable++
		}
	}
	if unreadable > 0 {
		err = &printedError{fmt.Errorf("%d of %d ledgers cannot be read", unreadable, len(all))}
	}
	if o.json {
		printed := map[string]any{"store": o.storeURL(), "services": all}
		if err != nil {
			printed["error"] = failureOf(err)
		}
		return errors.Join(err, o.printJSON(printed))
	}
	return errors.Join(err, o.printStandings(all))
}

func (o *options) printStandings(all []standing) error {
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
			more = append(more, fmt.Sprintf("introduces %s, at %d %%", s.Open.Label(), *s.Weight))
		}
		for _, held := range slices.Sorted(maps.Keys(s.Held)) {
			more = append(more, "holds "+held.Label())
		}
		if s.Error != "" {
			stable, more = "?", []string{s.Error}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Service, stable, s.Status, strings.Join(more, ", "))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the services: %w", err)
	}
	return nil
}
