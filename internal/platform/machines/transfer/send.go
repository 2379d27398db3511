package transfer

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
)

// inFlight is more than what is under way between us and the file there: what was taken from us may not have arrived.
const inFlight = 8 << 20

// send sends the artifact from the byte at offset, and has the machine check it and make the files. An answer without an
// outcome, or an error that is a lost connection, leaves it to another look how far it came.
func (i *installation) send(ctx context.Context, offset, total int64) (answers, error) {
	f, err := os.Open(i.request.Artifact.Path)
	if err != nil {
		return nil, final{err}
	}
	defer func() { _ = f.Close() }()
	if offset > 0 {
		i.report.Resumed++
	}
	i.variables.values["offset"], i.variables.values["total"] = fmt.Sprint(offset), fmt.Sprint(total)

	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream := newStream(io.NewSectionReader(f, offset, total-offset))
	go stream.watch(attempt, i.bounds, cancel)
	there, err := ask(attempt, i.machine, i.script(uploadScript), stream)
	taken := stream.taken.Load()
	i.report.Uploaded += taken
	i.sent = max(i.sent, offset+taken)
	if taken > inFlight {
		i.proceed()
	}
	return there, givenUp(ctx, attempt, err)
}

func notDone(after time.Duration) error { return fmt.Errorf("the machine is not done after %v", after) }

// stream is what is sent, and notes when something was taken of it.
type stream struct {
	source io.Reader
	start  time.Time
	taken  atomic.Int64
	// last is when something was taken, since start; ended: nothing is left.
	last  atomic.Int64
	ended atomic.Bool
	// once is for the point in the middle of it.
	once sync.Once
}

func newStream(r io.Reader) *stream { return &stream{source: r, start: time.Now()} }

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.taken.Load() > 0 {
		s.once.Do(func() { crashpoint.Reach("in upload") })
	}
	n, err := s.source.Read(p)
	s.taken.Add(int64(n))
	s.last.Store(int64(time.Since(s.start)))
	if err != nil {
		s.ended.Store(true)
	}
	return n, err
}

// watch cancels an attempt that does not get on; with everything taken the machine has time to work.
func (s *stream) watch(ctx context.Context, b bounds, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(min(time.Second, b.stalled/4))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		quiet := time.Since(s.start) - time.Duration(s.last.Load())
		switch {
		case s.ended.Load() && quiet > b.working:
			cancel(notDone(b.working))
		case !s.ended.Load() && quiet > b.stalled:
			cancel(fmt.Errorf("nothing was taken for %v", b.stalled))
		}
	}
}
