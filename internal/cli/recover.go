package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

const whatRecoverDoes = "an interrupted introduction is restored, an interrupted restore or rollback is finished"

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
			if err := o.confirm("Recover %s: %s.", args[0], whatRecoverDoes); err != nil {
				return err
			}
			r, err := o.recoverOne(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return o.print(r)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every service of the store that needs it; for a timer")
	return cmd
}

func (o *options) recoverOne(ctx context.Context, id string) (r result, err error) {
	err = o.operate(ctx, id, "recover", func(ctx context.Context, p *delivery.Procedure) error {
		recovery, err := p.Recover(ctx)
		r = result{Service: id, Done: recovery.Text, Running: recovery.Running}
		return err
	})
	return r, err
}

// recovered is a line of recover --all.
type recovered struct {
	result
	Error string `json:"error,omitempty"`
}

// recoverAll recovers each service that needs it, and goes on after a failure. A service that a run is at work on is left alone.
func (o *options) recoverAll(ctx context.Context) error {
	services, err := o.services(ctx)
	if err != nil {
		return err
	}
	var needing []string
	for _, s := range services {
		if s.Status == "interrupted" || s.Status == "restore failed" {
			needing = append(needing, string(s.Service))
		}
	}
	lines := []recovered{}
	if len(needing) > 0 {
		if err := o.confirm("Recover %s: %s.", strings.Join(needing, ", "), whatRecoverDoes); err != nil {
			return err
		}
	}
	failed := 0
	for _, id := range needing {
		r, err := o.recoverOne(ctx, id)
		r.Service = id
		line := recovered{result: r}
		if err != nil {
			line.Error = err.Error()
			failed++
		}
		lines = append(lines, line)
	}
	if err := o.printRecovered(lines, len(services)); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d services could not be recovered", failed, len(needing))
	}
	return nil
}

func (o *options) printRecovered(lines []recovered, services int) error {
	if o.json {
		return o.printJSON(map[string]any{"services": services, "recovered": lines})
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintf(o.out, "nothing to recover; services in the store: %d\n", services)
		return err
	}
	for _, line := range lines {
		text := line.Done + "; running now: " + line.Running
		if line.Error != "" {
			text = "NOT recovered: " + line.Error
		}
		if _, err := fmt.Fprintf(o.out, "%s: %s\n", line.Service, text); err != nil {
			return err
		}
	}
	return nil
}
