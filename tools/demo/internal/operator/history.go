// Package operator runs the operator commands of the provider's binary, as the person on call does.
package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Operator runs the provider's operator commands.
type Operator struct {
	// Binary of the provider, Store its URL, Service the service's id.
	Binary, Store, Service string
}

// Event is what is read of an event of the ledger.
type Event struct {
	Number  int       `json:"number"`
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	Attempt int       `json:"attempt"`
	Stage   string    `json:"stage"`
	Release string    `json:"release"`
	Opening *struct {
		Mode string `json:"mode"`
	} `json:"opening"`
	Closing *struct {
		End string `json:"end"`
	} `json:"closing"`
	Failure *struct {
		DecidedAt time.Time `json:"decided_at"`
	} `json:"failure"`
}

// historyLimit bounds one reading of the ledger.
const historyLimit = 20 * time.Second

// History reads the ledger's events, oldest first.
func (o Operator) History(ctx context.Context) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, historyLimit)
	defer cancel()
	output, err := exec.CommandContext(ctx, o.Binary, "history", "--json", "--store", o.Store, o.Service).Output() //nolint:gosec // our own
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("read the ledger of %s: %w: %s", o.Service, err, strings.TrimSpace(string(exit.Stderr)))
		}
		return nil, fmt.Errorf("read the ledger of %s: %w", o.Service, err)
	}
	var history struct {
		Events []Event `json:"events"`
	}
	if err := json.Unmarshal(output, &history); err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", o.Service, err)
	}
	return history.Events, nil
}

// After are the events with a number above n.
func After(events []Event, n int) []Event {
	for i, e := range events {
		if e.Number > n {
			return events[i:]
		}
	}
	return nil
}

// LastNumber of the events; 0 if there are none.
func LastNumber(events []Event) int {
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Number
}
