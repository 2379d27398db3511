package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// guard watches, and judges beside it. What fails to be shown or read does not end the judging.
func (o *options) guard(ctx context.Context, id string) error {
	return o.operate(ctx, id, "watch --guard", func(ctx context.Context, s *session) error {
		plan, parked := guardWords(s.view)
		if !parked {
			return s.printGuarded(result{Service: id, Done: plan})
		}
		if err := s.confirm(ctx, "Guard %s: %s", id, plan); err != nil {
			return err
		}
		w := &watch{ledger: s.p.Ledger(), display: s.display(service.ID(id)), patient: true, from: s.view.State.Number}
		watching, stop := context.WithCancel(ctx)
		defer stop()
		var shown sync.WaitGroup
		shown.Go(func() { _ = w.run(watching, func(ledger.View) bool { return false }) }) // a patient watch has no error
		done, err := w.guard(watching, s.p)
		stop()
		shown.Wait()
		if err == nil {
			return s.printGuarded(result{Service: id, Done: done})
		}
		if ctx.Err() != nil && !errors.As(err, new(*delivery.Error)) {
			return nil // a person ended it
		}
		return err
	})
}

// guard judges until the attempt has ended. That a ledger is gone which was there is no such end: the candidate is still there.
func (w *watch) guard(ctx context.Context, p *delivery.Procedure) (string, error) {
	for {
		done, err := p.Guard(ctx, w.tell)
		if ctx.Err() != nil {
			return done, err
		}
		_, unread := w.read(ctx)
		if errors.As(err, new(*delivery.Error)) && !isNotFound(err) || err == nil && unread == nil {
			return done, err
		}
		w.tell(ledger.Progress{Text: "the guard tries again: " + errors.Join(err, unread).Error()})
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(watchInterval):
		}
	}
}

// isNotFound tells whether the guard found no service, in a ledger in which it was.
func isNotFound(err error) bool {
	var refusal *delivery.Error
	return errors.As(err, &refusal) && refusal.Summary == "Service Not Found"
}

// printGuarded prints what a guard came to, in JSON a line as all that it prints.
func (o *options) printGuarded(r result) error {
	if o.json {
		return o.printLine(r)
	}
	return o.print(r)
}
