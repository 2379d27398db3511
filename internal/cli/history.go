package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/report"
)

func (o *options) history() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use: "history [SERVICE]", Short: "What happened to a service, from its ledger; without one, where each service stands",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return serviceArgument(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return o.printServices(cmd.Context())
			}
			l, err := o.known(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			from := 1
			if last > 0 {
				view, err := l.Read(cmd.Context())
				if err != nil {
					return err
				}
				from = max(1, view.State.Number-last+1)
			}
			events, err := l.Events(cmd.Context(), from)
			if err != nil {
				return err
			}
			if o.json {
				return o.printJSON(map[string]any{"service": args[0], "ledger": l.Location(), "events": events})
			}
			return o.printEvents(events)
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "only so many events, the newest; default: all")
	return cmd
}

func (o *options) printEvents(events []ledger.Event) error {
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, e := range events {
		attempt := ""
		if e.Attempt > 0 {
			attempt = fmt.Sprintf("#%d", e.Attempt)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", e.Number, e.Time.Local().Format("2006-01-02 15:04:05.000"), attempt, e.Type, report.Text(e))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the history: %w", err)
	}
	return nil
}
