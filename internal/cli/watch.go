package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/report"
)

// watchInterval is how often the ledger is asked.
const watchInterval = 500 * time.Millisecond

func (o *options) watch() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use: "watch SERVICE", Short: "Where a service stands, live: step, weight, evidence", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.open(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			view, err := l.Read(cmd.Context())
			if err != nil {
				return err
			}
			if err := o.printStanding(view); err != nil {
				return err
			}
			return o.followEvents(cmd.Context(), l, view.State.Number, follow)
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on when nothing is under way, until interrupted")
	return cmd
}

// printStanding says what stands when the watch begins.
func (o *options) printStanding(view ledger.View) error {
	if o.json {
		return nil
	}
	stable := string(view.State.Stable)
	if stable == "" {
		stable = "none"
	}
	_, err := fmt.Fprintf(o.out, "stable: %s\n", stable)
	if a := view.State.OpenAttempt(); a != nil && err == nil {
		_, err = fmt.Fprintf(o.out, "attempt %d of %s: at %d %%\n", a.Number, a.Release, a.Weight)
	}
	return err
}

// followEvents prints what comes, until nothing is under way any more, or for ever.
func (o *options) followEvents(ctx context.Context, l *ledger.Ledger, from int, follow bool) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	last := ""
	for {
		events, err := l.Events(ctx, from+1)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			from = e.Number
			if err := o.printEvent(e); err != nil {
				return err
			}
		}
		view, err := l.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if p := view.Progress; p != nil && p.Text != last {
			last = p.Text
			if err := o.printProgress(*p, view.Now); err != nil {
				return err
			}
		}
		if !follow && !view.Alive {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (o *options) printEvent(e ledger.Event) error {
	if o.json {
		return o.printLine(e)
	}
	_, err := fmt.Fprintf(o.out, "%s  %-18s %s\n", e.Time.Local().Format("15:04:05"), e.Type, report.Text(e))
	return err
}

func (o *options) printProgress(p ledger.Progress, now time.Time) error {
	if o.json {
		return o.printLine(map[string]any{"progress": p})
	}
	left := ""
	if p.Until.After(now) {
		left = fmt.Sprintf(" (%s left)", p.Until.Sub(now).Round(time.Second))
	}
	_, err := fmt.Fprintf(o.out, "%s  %-18s %s%s\n", now.Local().Format("15:04:05"), "…", p.Text, left)
	return err
}

func (o *options) printLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err = fmt.Fprintf(o.out, "%s\n", line)
	return err
}
