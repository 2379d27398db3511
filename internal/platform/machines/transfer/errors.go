package transfer

import (
	"context"
	"errors"
	"fmt"
)

// FullError says that a machine has no room for a release. Where that shows only while it is sent or unpacked, what was sent of it is removed
// there; otherwise nothing was sent, and what an earlier upload has left stays, to be gone on with.
type FullError struct {
	Machine   string
	Directory string
	// Needed and Free are bytes; Needed 0: it is not known how many.
	Needed, Free int64
}

// Error implements error.
func (e *FullError) Error() string { return "the disk of " + e.Machine + " is full: " + e.Lacking() }

// Lacking says what is missing where, for who has named the machine already.
func (e *FullError) Lacking() string {
	needed := "more"
	if e.Needed > 0 {
		needed = mebibytes(e.Needed)
	}
	return fmt.Sprintf("%s has %s free and the release needs %s: make room, or keep fewer releases", e.Directory, mebibytes(e.Free), needed)
}

// AbsentError says that an artifact is nowhere: neither here, nor on the machine that is to have it.
type AbsentError struct {
	Machine   string
	Directory string
	Digest    string
	// Here is why it cannot be read here.
	Here error
}

// Error implements error.
func (e *AbsentError) Error() string {
	return fmt.Sprintf("%v; and %s keeps no artifact with the digest %s in %s", e.Here, e.Machine, e.Digest, e.Directory)
}

// Unwrap gives why it cannot be read here.
func (e *AbsentError) Unwrap() error { return e.Here }

func absent(m Machine, r Request, err error) error {
	return &AbsentError{Machine: m.String(), Directory: r.Directory, Digest: r.Artifact.Digest, Here: err}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// stalled says that nothing has arrived for too long, and how far the upload came. What has arrived of that which was sent is not known: it
// is there that one would have to ask.
func (i *installation) stalled() error {
	far := ""
	if i.size > 0 {
		far = fmt.Sprintf(", after %s of %s were sent", mebibytes(i.sent), mebibytes(i.size))
	}
	return fmt.Errorf("nothing has arrived for %v%s: %w; see that the machine answers, and apply again: the upload goes on from what has arrived",
		i.bounds.patience, far, i.last)
}

// lost tells whether an error of Run says that the connection was lost, and not that the script failed.
func lost(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	if _, is := errors.AsType[final](err); is {
		return false
	}
	if _, is := errors.AsType[lostError](err); is {
		return true
	}
	var exit interface {
		error
		ExitCode() int
	}
	// What a signal ended, such as by a machine that shuts down, may be done again.
	return !errors.As(err, &exit) || exit.ExitCode() < 0
}

// final is an error that another attempt does not help.
type final struct{ error }

// Unwrap gives the error itself.
func (f final) Unwrap() error { return f.error }

// lostError says that a connection was lost, whatever else it says.
type lostError struct{ error }

// Unwrap gives what it says.
func (l lostError) Unwrap() error { return l.error }

// givenUp has an error of a call say why it was given up, when that was before ctx ended.
func givenUp(ctx, call context.Context, err error) error {
	if cause := context.Cause(call); err != nil && cause != nil && ctx.Err() == nil {
		return lostError{errors.Join(cause, err)}
	}
	return err
}
