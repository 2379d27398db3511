package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
)

// noter writes looks into the ledger one after the other while the judge goes on looking: a store that is slow must not make it blind.
type noter struct {
	queue  chan noted
	done   chan struct{}
	cancel context.CancelFunc
	// hurry ends the pause between two tries; hurried: somebody waits until all is written. failed is why it gave up: valid once
	// done is closed.
	hurry   chan struct{}
	hurried bool
	failed  error
}

// noted is a look to write, or somebody who waits until all before are written.
type noted struct {
	event   ledger.Event
	written chan<- struct{}
}

// noterRoom is more than the looks of all steps that are noted.
const noterRoom = 4096

// noterPause is between two tries of an append that the store refused.
const noterPause = time.Second

// noting runs body with a noter.
func (s *stageWork) noting(ctx context.Context, body func(*noter) error) error {
	n := s.startNoting(ctx)
	defer n.stop()
	return body(n)
}

func (s *stageWork) startNoting(ctx context.Context) *noter {
	ctx, cancel := context.WithCancel(ctx)
	n := &noter{queue: make(chan noted, noterRoom), done: make(chan struct{}), cancel: cancel, hurry: make(chan struct{}, 1)}
	go func() {
		defer close(n.done)
		for {
			select {
			case <-ctx.Done():
				n.failed = ctx.Err()
				return
			case next := <-n.queue:
				if next.written != nil {
					n.served()
					close(next.written)
				} else if n.failed = n.write(ctx, s, next.event); n.failed != nil {
					return
				}
			}
		}
	}()
	return n
}

// served: nobody waits any more. A hurry that was not needed must not cut the tries of a later step short.
func (n *noter) served() {
	n.hurried = false
	select {
	case <-n.hurry:
	default:
	}
}

// write tries until the event is written, ctx ends or the lease is lost; twice where somebody waits for it.
func (n *noter) write(ctx context.Context, s *stageWork, e ledger.Event) error {
	for tries := 1; ; tries++ {
		err := s.append(ctx, e)
		if err == nil || n.hurried && tries > 1 || ctx.Err() != nil || errors.Is(err, ledger.ErrLost) {
			return err
		}
		if n.hurried {
			continue
		}
		select {
		case <-time.After(noterPause):
		case <-n.hurry:
			n.hurried = true
		case <-ctx.Done():
			return err
		}
	}
}

// note takes a look. What a source complains of may quote an answer of the release.
func (s *stageWork) note(n *noter) func(judged) {
	secrets := scrub.Of()
	if release := s.recorded(s.current()); release != nil {
		secrets = s.secretsOf(*release)
	}
	return func(j judged) {
		j.At, j.Trouble = s.now().Add(-time.Since(j.At)), scrub.Printable(secrets.Text(j.Trouble))
		event := ledger.Event{
			Type: ledger.CandidateJudged, Attempt: s.number, Stage: s.stage, Release: s.request.Release, Text: j.text(), Judgement: j.encoded(),
		}
		select {
		case n.queue <- noted{event: event}:
		default:
		}
	}
}

// flush waits until all that was noted is written: what follows in the ledger rests on it.
func (n *noter) flush(ctx context.Context) error {
	written := make(chan struct{})
	select {
	case n.hurry <- struct{}{}:
	default:
	}
	select {
	case n.queue <- noted{written: written}:
	case <-ctx.Done():
		return fmt.Errorf("write what was judged: %w", ctx.Err())
	}
	select {
	case <-written:
		return nil
	case <-n.done:
		return fmt.Errorf("write what was judged: %w", n.failed)
	case <-ctx.Done():
		return fmt.Errorf("write what was judged: %w", ctx.Err())
	}
}

// stop waits for nothing: traffic may have to move.
func (n *noter) stop() { n.cancel() }
