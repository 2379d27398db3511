package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// watchInterval is how often the ledger is asked.
const watchInterval = 500 * time.Millisecond

func (o *options) watch() *cobra.Command {
	var follow, guard bool
	cmd := &cobra.Command{
		Use: "watch SERVICE", Short: "Where a service stands, live: step, weight, time left, the evidence so far", Args: serviceArgument,
		Long: `Where a service stands, live: step, weight, time left, the evidence so far. It ends when nothing is under way.

With --guard it also judges, by the analysis of deploy_traffic_split, while a candidate is parked at a weight between two applies:
on evidence against it the checkpoint is restored, the record written, and the exit code is 1. It ends when the attempt has ended.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if guard {
				if err := o.confirm("Guard %s: a parked candidate that the analysis finds worse than allowed is rolled back.", args[0]); err != nil {
					return err
				}
				return o.guard(cmd.Context(), args[0])
			}
			open := o.known
			if follow {
				open = o.open // it may yet come
			}
			l, err := open(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			w := &watch{ledger: l, display: o.display()}
			return w.run(cmd.Context(), func(view ledger.View) bool { return !follow && !view.Alive })
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on when nothing is under way, until interrupted")
	cmd.Flags().BoolVar(&guard, "guard", false, "judge a parked candidate, and roll it back on evidence against it")
	return cmd
}

// guard watches, and judges beside it.
func (o *options) guard(ctx context.Context, id string) error {
	return o.operate(ctx, id, "watch --guard", func(ctx context.Context, p *delivery.Procedure) error {
		w := &watch{ledger: p.Ledger(), display: o.display()}
		watching, stop := context.WithCancel(ctx)
		defer stop()
		var shown sync.WaitGroup
		var showErr error
		shown.Go(func() {
			if showErr = w.run(watching, func(ledger.View) bool { return false }); showErr != nil {
				stop()
			}
		})
		done, err := p.Guard(watching, w.tell)
		stop()
		shown.Wait()
		if showErr != nil {
			return showErr
		}
		if err != nil && ctx.Err() != nil {
			return nil // a person ended it
		}
		if err != nil {
			return err
		}
		return o.print(result{Service: id, Done: done})
	})
}

// watch follows a ledger.
type watch struct {
	ledger  *ledger.Ledger
	display display

	mu sync.Mutex
	// told is what a guard in this process says.
	told *ledger.Progress
}

func (w *watch) tell(p ledger.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = &p
}

func (w *watch) said() *ledger.Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// run shows what comes, until it is over or ctx ends.
func (w *watch) run(ctx context.Context, over func(ledger.View) bool) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	from := -1
	for {
		ended, err := w.look(ctx, &from, over)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || ended {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look shows what has come since event from, and where the service stands now.
func (w *watch) look(ctx context.Context, from *int, over func(ledger.View) bool) (bool, error) {
	view, err := w.ledger.Read(ctx)
	if err != nil {
		return false, err
	}
	if *from < 0 {
		*from = view.State.Number
	}
	var events []ledger.Event
	if *from < view.State.Number {
		if events, err = w.ledger.Events(ctx, *from+1); err != nil {
			return false, err
		}
	}
	for _, e := range events {
		*from = e.Number
		if err := w.display.event(e); err != nil {
			return false, err
		}
	}
	progress := view.Progress
	if progress == nil {
		progress = w.said()
	}
	return over(view), w.display.standing(view, progress)
}

func (o *options) printLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err = fmt.Fprintf(o.out, "%s\n", line)
	return err
}
