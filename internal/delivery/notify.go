package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Messages are due by the event that they tell of, and stay due in the ledger until a channel took them, or a day has passed in which
// it did not: by this run or by a later one, more than once where its answer was lost. They never fail or delay a release.

const (
	// notifyTimeout bounds a round of deliveries that somebody waits for, backgroundTimeout one that nobody does: enough for
	// a channel that takes its time, tried as often as it is worth.
	notifyTimeout     = 3 * time.Second
	backgroundTimeout = time.Minute
)

// undeliveredAfter is how long a message is news. One that no run could deliver by then is given up, and that is noted.
const undeliveredAfter = 24 * time.Hour

// message makes the message of an event of an attempt.
func (w *work) message(attempt int, event, text, record string) *service.Message {
	state := w.state()
	m := &service.Message{
		ID: messageID(w.procedure.id, attempt, event), Service: w.procedure.id, Event: event, Attempt: attempt, Text: text, Record: record, Time: w.now(),
	}
	if a := state.Attempt(attempt); a != nil {
		m.Release, m.Replaces = a.Release, a.Replaces
	}
	return m
}

// channels lists the notifications of the service that want to know of an event.
func (w *work) channels(event string) []string {
	var names []string
	if d := w.state().Definition; d != nil {
		for name, n := range d.Notify {
			if len(n.On) == 0 || slices.Contains(n.On, event) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// deliverSoon sends what is due without making the stage wait for it.
func (w *work) deliverSoon(ctx context.Context) {
	if len(w.state().Due) > 0 {
		go w.deliverWithin(context.WithoutCancel(ctx), backgroundTimeout)
	}
}

// deliverDue sends what is due while somebody waits: at the end of a run, and of a command.
func (w *work) deliverDue(ctx context.Context) { w.deliverWithin(ctx, notifyTimeout) }

// deliverWithin sends what is due, all channels at once, and notes what was taken.
func (w *work) deliverWithin(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var channels []string
	for _, d := range w.state().Due {
		if !slices.Contains(channels, d.Channel) {
			channels = append(channels, d.Channel)
		}
	}
	var group sync.WaitGroup
	for _, channel := range channels {
		group.Go(func() { w.deliver(ctx, channel) })
	}
	group.Wait()
}

// tokens has one delivery to a channel at a time: another one would tell the same again. A channel that is slow does not keep the
// others waiting. Safe for concurrent use.
type tokens struct{ channels sync.Map }

func (t *tokens) of(channel string) chan struct{} {
	held, _ := t.channels.LoadOrStore(channel, make(chan struct{}, 1))
	token, _ := held.(chan struct{})
	return token
}

// deliver sends one channel's messages, oldest first. One that it does not take stays due, and keeps none of the others back. A
// channel that is no longer defined is told nothing, for good.
func (w *work) deliver(ctx context.Context, channel string) {
	token := w.procedure.telling.of(channel)
	select {
	case token <- struct{}{}:
		defer func() { <-token }()
	case <-ctx.Done():
		return
	}
	notifier, defined := w.adapters.Notifiers[channel]
	for _, due := range w.state().Due { // As it is now: another round may have told some.
		m := due.Message
		if due.Channel != channel {
			continue
		}
		text := "told " + channel
		if !defined {
			text = channel + " is no longer defined: not told"
		} else if err := notifier.Send(ctx, m); refusedForGood(err) {
			text = fmt.Sprintf("%s refuses the message for good: %s", channel, err)
		} else if old := w.now().Sub(m.Time); err != nil && old > undeliveredAfter && ctx.Err() == nil {
			text = fmt.Sprintf("%s could not be told, and the message is %s old: it is given up. The last failure: %s", channel, old.Round(time.Minute), err)
		} else if err != nil {
			continue // It stays due.
		}
		// Where that cannot be noted it is told again: at least once.
		_ = w.append(context.WithoutCancel(ctx), ledger.Event{
			Type: ledger.Notified, Attempt: m.Attempt, Text: text, Notify: &service.Message{ID: m.ID}, Channels: []string{channel},
		})
	}
}

// refusedForGood tells whether a receiver will never take a message, however often it is sent.
func refusedForGood(err error) bool {
	var permanent interface{ Permanent() bool }
	return errors.As(err, &permanent) && permanent.Permanent()
}
