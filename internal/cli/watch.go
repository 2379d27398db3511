package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// watchInterval is how often the ledger is asked.
	watchInterval = 500 * time.Millisecond
	// noteInterval is how often it is said again that a patient watch sees nothing.
	noteInterval = time.Minute
)

func (o *options) watch() *cobra.Command {
	var follow, guard bool
	cmd := &cobra.Command{
		Use: "watch SERVICE", Short: "Where a service stands, live: step, weight, time left, the evidence so far", Args: serviceArgument,
		Long: `Where a service stands, live: step, weight, time left, the evidence so far. It ends when nothing is under way.

With --guard it also judges, by the analysis of deploy_traffic_split, while a candidate is parked at a weight between two applies:
on evidence against it the checkpoint is restored, the record written, and the exit code is 1. It ends when the attempt has ended.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if guard {
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
			w := &watch{ledger: l, display: o.display(service.ID(args[0])), patient: follow, from: unseen}
			return w.run(cmd.Context(), func(view ledger.View) bool { return !follow && !view.Alive })
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on when nothing is under way, until interrupted")
	cmd.Flags().BoolVar(&guard, "guard", false, "judge a parked candidate, and roll it back on evidence against it")
	return cmd
}

// unseen is the number of the last event before the ledger was read.
const unseen = -1

// watch follows a ledger.
type watch struct {
	ledger  *ledger.Ledger
	display display
	// patient: what cannot be seen now is noted, and looked for again.
	patient bool

	mu sync.Mutex
	// from is the last event that was seen, unseen before the first look.
	from int
	// told is what a guard in this process says.
	told *ledger.Progress
	// noted is when it was said last that nothing is seen; zero while the ledger is seen.
	noted time.Time
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

func (w *watch) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.from
}

func (w *watch) saw(number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from = number
}

// run shows what comes, until it is over or ctx ends.
func (w *watch) run(ctx context.Context, over func(ledger.View) bool) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		ended, err := w.look(ctx, over)
		if ctx.Err() != nil {
			return nil
		}
		if w.patient {
			w.note(err)
		} else if err != nil {
			return err
		}
		if ended {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// note says that nothing can be seen, and when it can again.
func (w *watch) note(err error) {
	stamp := time.Now().Format(plainStamp)
	switch {
	case err == nil && !w.noted.IsZero():
		w.noted = time.Time{}
		w.display.note(stamp + "  the ledger is seen again")
	case err != nil && time.Since(w.noted) >= noteInterval:
		w.noted = time.Now()
		w.display.note(fmt.Sprintf("%s  the ledger is not seen, it is tried again: %s", stamp, err))
	}
}

// look shows what has come since the last event that was seen, and where the service stands now.
func (w *watch) look(ctx context.Context, over func(ledger.View) bool) (bool, error) {
	view, err := w.read(ctx)
	if err != nil {
		return false, err
	}
	if w.seen() == unseen {
		w.saw(view.State.Number)
	}
	var events []ledger.Event
	if w.seen() < view.State.Number {
		if events, err = w.ledger.Events(ctx, w.seen()+1); err != nil {
			return false, err
		}
	}
	for _, e := range events {
		w.saw(e.Number)
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

// read reads the ledger. One with fewer events than before is not the service's: a store that is not mounted any more looks empty.
func (w *watch) read(ctx context.Context) (ledger.View, error) {
	view, err := w.ledger.Read(ctx)
	if err != nil {
		return view, err
	}
	if seen := w.seen(); view.State.Number < seen {
		return view, fmt.Errorf("the ledger at %s has %d events, and had %d: is its store still there?", w.ledger.Location(), view.State.Number, seen)
	}
	return view, nil
}
