package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/report"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func (o *options) report() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "report SERVICE [RELEASE]", Short: "What became of a release: stages, weights, evidence, what was restored",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				if _, err := service.ParseReleaseID(args[1]); err != nil {
					return &usageError{err}
				}
				args = args[:1]
			}
			return serviceArgument(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "markdown" && format != "json" {
				return &usageError{fmt.Errorf("--format is text, markdown or json, not %q", format)}
			}
			l, err := o.known(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			attempt, err := l.Past(cmd.Context(), func(a ledger.Attempt) bool { return len(args) < 2 || string(a.Release) == args[1] })
			if err != nil {
				return err
			}
			if attempt == nil {
				return errors.New("the ledger at " + l.Location() + " knows no such release; see history")
			}
			events, err := l.Events(cmd.Context(), max(1, attempt.FirstEvent))
			if err != nil {
				return err
			}
			return o.printReport(format, service.ID(args[0]), *attempt, events)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown or json")
	return cmd
}

func (o *options) printReport(format string, id service.ID, a ledger.Attempt, events []ledger.Event) error {
	r := report.Attempt{Service: id, Attempt: a, End: a.End, Restored: a.Restored, Leftovers: a.Leftovers, At: a.EndedAt}
	if a.Failure != nil {
		r.Failure = *a.Failure
	}
	for _, e := range events {
		if e.Attempt == a.Number {
			r.Events = append(r.Events, e)
		}
	}
	if o.json || format == "json" {
		return o.printJSON(report.JSON(r))
	}
	text := report.Plain(r)
	if format == "markdown" {
		text = report.Markdown(r)
	}
	_, err := fmt.Fprint(o.out, text)
	return err
}
