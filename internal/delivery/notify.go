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

// Messages are due by the event that they tell of, and stay due in the ledger until a channel took them: they are
// delivered at least once, by this run or by a later one, and never fail or delay a release.

// notifyTimeout bounds one round of deliveries.
const notifyTimeout = 3 * time.Second

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
		go w.deliverDue(context.WithoutCancel(ctx))
	}
}

// deliverDue sends what is due, all channels at once, and notes what was taken.
func (w *work) deliverDue(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	// One delivery at a time: another one would tell the same again.
	select {
	case w.procedure.telling <- struct{}{}:
		defer func() { <-w.procedure.telling }()
	case <-ctx.Done():
		return
	}
	due := w.state().Due
	byChannel := map[string][]service.Message{}
	for _, d := range due {
		byChannel[d.Channel] = append(byChannel[d.Channel], d.Message)
	}
	var group sync.WaitGroup
	for channel, messages := range byChannel {
		group.Go(func() { w.deliver(ctx, channel, messages) })
	}
	group.Wait()
}

// deliver sends one channel's messages in order. A channel that is no longer defined is told nothing, for good.
func (w *work) deliver(ctx context.Context, channel string, messages []service.Message) {
	notifier, defined := w.adapters.Notifiers[channel]
	for _, m := range messages {
		text := "told " + channel
		if !defined {
			text = channel + " is no longer defined: not told"
		} else if err := notifier.Send(ctx, m); refusedForGood(err) {
			text = fmt.Sprintf("%s refuses the message for good: %s", channel, err)
		} else if err != nil {
			return // It stays due.
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
