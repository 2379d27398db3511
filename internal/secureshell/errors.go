package secureshell

import (
	"context"
	"errors"
	"fmt"
)

// marked is a cause that is also mark, whose text it leaves out.
type marked struct{ mark, cause error }

func (m *marked) Error() string   { return m.cause.Error() }
func (m *marked) Unwrap() []error { return []error{m.mark, m.cause} }

// notReached says that what was attempted failed since the machine could not be reached.
func notReached(format string, arguments ...any) error {
	return &marked{ErrUnreachable, fmt.Errorf(format, arguments...)}
}

// left is the error of a caller whose ctx ended while it waited for a connection: a deadline tells about the machine, a cancellation does not.
func left(ctx context.Context, format string, arguments ...any) error {
	err := fmt.Errorf(format+": %w", append(arguments, ctx.Err())...)
	if errors.Is(err, context.DeadlineExceeded) {
		return &marked{ErrUnreachable, err}
	}
	return err
}

// ExitError is a script that ended with another status than 0.
type ExitError struct {
	// Status of the script; 128 and the signal's number where one ended it, as shells have it.
	Status int
	// Signal that ended it, such as "KILL"; empty: none.
	Signal string
	// Stderr is the last of what it wrote to its standard error.
	Stderr string
}

// ExitCode is the script's status, -1 where a signal ended it, as *exec.ExitError has it.
func (e *ExitError) ExitCode() int {
	if e.Signal != "" {
		return -1
	}
	return e.Status
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("exit status %d", e.Status)
	if e.Signal != "" {
		text = "ended by signal " + e.Signal
	}
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}
