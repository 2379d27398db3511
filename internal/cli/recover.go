package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

func (o *options) recover() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "recover {SERVICE | --all}", Short: "Put right what an interrupted apply or a failed restore left",
		Args: func(cmd *cobra.Command, args []string) error {
			if all && len(args) == 0 {
				return nil
			}
			if all {
				return &usageError{errors.New("give a service or --all, not both")}
			}
			return serviceArgument(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all {
				return o.recoverAll(cmd.Context())
			}
			return o.operate(cmd.Context(), args[0], "recover", func(ctx context.Context, s *session) error {
				plan := recoveryWords(s.view)
				if plan == "" {
					return s.print(result{Service: args[0], Done: "nothing was interrupted", Running: orNone(s.view.State.Stable)})
				}
				if err := s.p.InReach(ctx); err != nil {
					return err
				}
				if err := s.ask(ctx, "Recover %s: %s", args[0], plan); err != nil {
					return err
				}
				r, err := s.recover(ctx)
				if err != nil {
					return err
				}
				return s.print(r)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every service of the store that needs it; for a timer")
	return cmd
}

func (s *session) recover(ctx context.Context) (result, error) {
	recovery, err := s.p.Recover(ctx)
	return result{Service: s.id, Done: recovery.Text, Running: recovery.Running}, err
}

// recovered is a line of recover --all.
type recovered struct {
	result
	Error string `json:"error,omitempty"`
	// LeftAlone is why it is for another machine's timer to recover.
	LeftAlone string `json:"left_alone,omitempty"`
}

// recoverAll recovers each service that needs it, and goes on after a failure. A service that a run is at work on is left alone, and
// so is one that runs on another machine.
func (o *options) recoverAll(ctx context.Context) error {
	services, err := o.services(ctx)
	if err != nil {
		return err
	}
	lines := []recovered{}
	var needing, plans []string
	for _, s := range services {
		switch s.Status {
		case statusUnreadable:
			lines = append(lines, recovered{result: result{Service: string(s.Service)}, Error: s.Error})
		case statusInterrupted, statusResizing, statusBroken:
			needing = append(needing, string(s.Service))
			plans = append(plans, fmt.Sprintf("%s: %s", s.Service, s.recovery))
		}
	}
	failed := len(lines)
	if len(needing) > 0 {
		if err := o.confirm(ctx, "Recover\n  %s", strings.Join(plans, ";\n  ")); err != nil {
			return err
		}
	}
	for _, id := range needing {
		line := recovered{result: result{Service: id}}
		var out *delivery.OutOfReach
		if err := o.operate(ctx, id, "recover", func(ctx context.Context, s *session) (err error) {
			s.tellWaits(ctx)
			line.result, err = s.recover(ctx)
			return err
		}); errors.As(err, &out) && out.Elsewhere {
			line.LeftAlone = out.Why
		} else if err != nil {
			line.Error = err.Error()
			failed++
		}
		lines = append(lines, line)
	}
	if failed > 0 {
		err = &printedError{fmt.Errorf("%d of %d services could not be recovered", failed, len(lines))}
	}
	return errors.Join(err, o.printRecovered(lines, len(services), err))
}

// printRecovered prints the lines; failed is how it came out.
func (o *options) printRecovered(lines []recovered, services int, failed error) error {
	if o.json {
		printed := map[string]any{"services": services, "recovered": lines}
		if failed != nil {
			printed["error"] = failureOf(failed)
		}
		return o.printJSON(printed)
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintf(o.out, "nothing to recover; services in the store: %d\n", services)
		return err
	}
	for _, line := range lines {
		text := line.Done + "; running now: " + line.Running
		switch {
		case line.Error != "":
			text = "NOT recovered: " + line.Error
		case line.LeftAlone != "":
			text = "left alone: " + line.LeftAlone
		}
		if _, err := fmt.Fprintf(o.out, "%s: %s\n", line.Service, text); err != nil {
			return err
		}
	}
	return nil
}
