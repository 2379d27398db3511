package judging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

// seen is what the client has seen of a version since a moment.
type seen struct {
	log     *traffic.Log
	version string
	// from and to bound the records that were read.
	from, to int
	// answers of the version, good and bad ones, and bad ones alone.
	answers, bad int
}

func since(log *traffic.Log, version string) *seen {
	mark := log.Mark()
	return &seen{log: log, version: version, from: mark, to: mark}
}

// read reads what has come since it was called last.
func (s *seen) read() {
	mark := s.log.Mark()
	for _, r := range s.log.Between(s.to, mark) {
		if r.Release == "" || web.VersionOf(r.Release) != s.version {
			continue
		}
		s.answers++
		if r.Class() == traffic.Failed {
			s.bad++
		}
	}
	s.to = mark
}

// records are all of them.
func (s *seen) records() []traffic.Record { return s.log.Between(s.from, s.to) }

// poll is short, since what waits for the data plane here acts on what it sees.
const poll = 5 * time.Millisecond

// errEnded says that an apply was over before what it was watched for.
var errEnded = errors.New("the apply ended before")

// until reads until holds says so. It is an error if ended is closed before that, or ctx ends.
func (s *seen) until(ctx context.Context, ended <-chan struct{}, what string, holds func() bool) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if s.read(); holds() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-ended:
			return fmt.Errorf("wait for %s: %w", what, errEnded)
		case <-tick.C:
		}
	}
}

const (
	// settleAnswers is how many requests sent after an apply must have ended before the run is over, and settleLimit how long that may
	// take.
	settleAnswers = 50
	settleLimit   = 15 * time.Second
)

// settle waits for answers to requests that were sent from now on, and returns the versions they are of.
func (s *seen) settle(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	now := time.Now()
	var sent []traffic.Record
	s.read()
	before := s.to
	err := s.until(ctx, nil, fmt.Sprintf("%d requests of the client", settleAnswers), func() bool {
		for _, r := range s.log.Between(before, s.to) {
			if r.Started.After(now) {
				sent = append(sent, r)
			}
		}
		before = s.to
		return len(sent) >= settleAnswers
	})
	return traffic.Versions(sent), err
}
