package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

const (
	// closeTimeout bounds what a command tells and gives back at its end.
	closeTimeout = 10 * time.Second
	// waitInterval is how often it is seen for whom a command waits.
	waitInterval = time.Second
)

// session is a command at work on one service.
type session struct {
	*options
	run *delivery.Run
	p   *delivery.Procedure
	id  string
	// view of the ledger, as it was when the command began.
	view ledger.View

	telling sync.WaitGroup
}

// operate does one thing on a service that is there, under its lease, and gives the lease back.
func (o *options) operate(ctx context.Context, id, doing string, act func(context.Context, *session) error) error {
	s, directory, err := o.openStore(ctx)
	if err != nil {
		return err
	}
	return o.within(ctx, s, directory, id, doing, func(ctx context.Context, session *session) error {
		if session.view, err = session.p.Read(ctx); err != nil {
			return err
		}
		if session.view.State.Definition == nil {
			return unknown(ctx, s, id)
		}
		return act(ctx, session)
	})
}

// within runs act in a session.
func (o *options) within(ctx context.Context, s store.Store, directory, id, doing string, act func(context.Context, *session) error) error {
	terms := ledger.DefaultTerms
	terms.Wait = o.wait
	connector := connect.New(connect.Options{Store: s, Directory: directory})
	run := delivery.NewRun(s, connector, ledger.ThisProcess(doing), terms)
	acting, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(acting, run.Cancel)
	session := &session{options: o, run: run, p: run.Service(service.ID(id)), id: id}
	err := session.advised(act(acting, session))
	stop()
	cancel()
	session.telling.Wait()
	closing, end := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer end()
	closed := run.Close(closing, false)
	if closed == nil { // What is still under way keeps its connections until the process ends.
		closed = connector.Close()
	}
	return errors.Join(err, closed)
}

// ask says what is about to be done, and asks. From then on it is said for whom the command waits, if it does.
func (s *session) ask(ctx context.Context, format string, args ...any) error {
	if err := s.confirm(ctx, format, args...); err != nil {
		return err
	}
	s.tellWaits(ctx)
	return nil
}

// tellWaits says for whom the command waits, until it has the lease or ends.
func (s *session) tellWaits(ctx context.Context) {
	s.telling.Go(func() {
		told := 0
		for {
			view, err := s.p.Read(ctx)
			lease := view.State.Lease
			switch {
			case err != nil:
			case lease != nil && view.State.LeaseRun == s.run.ID():
				return
			case lease != nil && !lease.Holder.Gone() && view.State.Epoch != told:
				told = view.State.Epoch
				fmt.Fprintln(s.errs, s.waitsFor(view))
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(waitInterval):
			}
		}
	})
}

// waitsFor says in words for whom one waits, and since when.
func (s *session) waitsFor(view ledger.View) string {
	since := view.State.LeaseAcquired
	text := fmt.Sprintf("waiting for %s, at work on %s since %s (%s), for %s at most", view.State.Lease.Holder, s.id,
		since.Local().Format(time.DateTime), max(0, view.Now.Sub(since)).Round(time.Second), s.wait)
	if !view.Alive {
		text += fmt.Sprintf("; last seen %s ago: once it has been silent for %s its lease is taken over", view.Seen.Round(time.Second), view.State.Lease.Length)
	}
	return text
}

// advised gives the error of a service that is busy the advice that holds for a command.
func (s *session) advised(err error) error {
	var refusal *delivery.Error
	if !errors.As(err, new(*ledger.HeldError)) || !errors.As(err, &refusal) {
		return err
	}
	told := *refusal
	told.Next = fmt.Sprintf("Wait for it (`terraform-provider-deploy watch %s`) and give the command again; or have it wait for longer than %s: --wait 15m.", s.id, s.wait)
	return &told
}
