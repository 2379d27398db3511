package delivery

import (
	"context"
	"time"
)

const (
	// silenceTimeout is how long a machine may be silent while a release starts, has traffic, is to get more, or is to be finalized: one that is
	// started again, or whose connection broke, answers within it. Silence says nothing about the release, however long it lasts: what lasts
	// longer is a fault, for which a step and a finalization are put back, and a raise is put off.
	silenceTimeout = time.Minute
	// failuresInARow are believed, where one alone may be the network's: of a probe, or of a router.
	failuresInARow = 3
)

// silentError is that machines do not answer, so that instances could not be looked at, which says nothing about them.
type silentError struct{ error }

func (e *silentError) Unwrap() error { return e.error }

// patience is with a machine that is silent. The zero value has not met silence yet.
type patience struct{ since time.Time }

// bears tells whether to ask again because err is nothing but silence, and has been for less than silenceTimeout. Any other answer ends a
// silence; so does a nil one.
func (p *patience) bears(err error) bool {
	if !isSilent(err) {
		p.since = time.Time{}
		return false
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	return time.Since(p.since) < silenceTimeout
}

// patiently asks until there is no error: for silenceTimeout since machines were silent first (*silentError), else failuresInARow times at
// most. It returns what was said last, also where ctx ended.
func patiently(ctx context.Context, ask func() error) error {
	var silent time.Time // A failure between two silences is no reason to wait longer.
	for failures := 0; ; {
		err := ask()
		switch {
		case err == nil || outOfReach(err):
			return err
		case !isSilent(err):
			if failures++; failures == failuresInARow {
				return err
			}
		case silent.IsZero():
			silent = time.Now()
		case time.Since(silent) >= silenceTimeout:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lookInterval):
		}
	}
}
