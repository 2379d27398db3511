package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// result is what a command that changed something prints.
type result struct {
	Service string `json:"service,omitempty"`
	Done    string `json:"done"`
	Running string `json:"running,omitempty"`
}

func (o *options) print(r result) error {
	if o.json {
		return o.printJSON(r)
	}
	text := r.Done
	if r.Running != "" {
		text += "\nrunning now: " + r.Running
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}

func (o *options) rollback() *cobra.Command {
	var to, reason string
	cmd := &cobra.Command{
		Use: "rollback SERVICE", Short: "Give the traffic back to the release before, at once", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if to != "" {
				if _, err := service.ParseReleaseID(to); err != nil {
					return &usageError{err}
				}
			}
			return o.operate(cmd.Context(), args[0], "rollback", func(ctx context.Context, p *delivery.Procedure) error {
				plan, err := p.RollbackPlan(ctx, service.ReleaseID(to))
				if err != nil {
					return err
				}
				if err := o.confirm("Roll %s back: %s.", args[0], plan); err != nil {
					return err
				}
				done, err := p.Rollback(ctx, service.ReleaseID(to), reason)
				if err != nil {
					return err
				}
				return o.print(result{Service: args[0], Done: done})
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the release to go back to; default: the one before")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

func (o *options) unhold() *cobra.Command {
	var release string
	cmd := &cobra.Command{
		Use: "unhold SERVICE", Short: "Let a held release be introduced again", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "every held release"
			if release != "" {
				what = release
			}
			if err := o.confirm("Unhold %s of %s: the next apply may introduce it again.", what, args[0]); err != nil {
				return err
			}
			return o.operate(cmd.Context(), args[0], "unhold", func(ctx context.Context, p *delivery.Procedure) error {
				unheld, err := p.Unhold(ctx, service.ReleaseID(release))
				if err != nil {
					return err
				}
				names := make([]string, len(unheld))
				for i, u := range unheld {
					names[i] = string(u)
				}
				done := "no release was held"
				if len(names) > 0 {
					done = "no longer held: " + strings.Join(names, ", ")
				}
				return o.print(result{Service: args[0], Done: done})
			})
		},
	}
	cmd.Flags().StringVar(&release, "release", "", "one release; default: all that are held")
	return cmd
}

func (o *options) accept() *cobra.Command {
	return &cobra.Command{
		Use: "accept SERVICE", Short: "Take the world as it is: the ledger says what runs, nothing is changed", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.confirm("Accept %s as it is: nothing is changed, and the ledger says that what carries the traffic is stable.", args[0]); err != nil {
				return err
			}
			return o.operate(cmd.Context(), args[0], "accept", func(ctx context.Context, p *delivery.Procedure) error {
				done, err := p.Accept(ctx)
				if err != nil {
					return err
				}
				return o.print(result{Service: args[0], Done: done})
			})
		},
	}
}
