package cli

import (
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// usageError is a call that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// printedError is in the JSON that was printed already.
type printedError struct{ err error }

func (e *printedError) Error() string { return e.err.Error() }
func (e *printedError) Unwrap() error { return e.err }

// failure is an error as programs read it.
type failure struct {
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
}

func failureOf(err error) failure {
	var refusal *delivery.Error
	f := failure{Summary: "Failed", Detail: err.Error()}
	switch {
	case errors.As(err, &refusal):
		f = failure{Summary: refusal.Summary, Detail: refusal.Detail()}
	case errors.Is(err, errNotConfirmed):
		f.Summary = "Not Confirmed"
	case errors.As(err, new(*usageError)):
		f.Summary = "Not Understood"
	}
	return f
}

// fail says why a command failed, to people and, where they asked for it, to programs, and returns the exit code.
func (o *options) fail(err error) int {
	f := failureOf(err)
	if errors.As(err, new(*delivery.Error)) {
		fmt.Fprintf(o.errs, "\n%s\n\n%s\n", f.Summary, f.Detail)
	} else {
		fmt.Fprintln(o.errs, "error:", err)
	}
	if o.json && !errors.As(err, new(*printedError)) {
		if printing := o.printLine(map[string]any{"error": f}); printing != nil {
			fmt.Fprintln(o.errs, "error:", printing)
		}
	}
	switch {
	case errors.As(err, new(*delivery.Error)):
		return ExitFailed
	case errors.Is(err, errNotConfirmed):
		return ExitRefused
	case errors.As(err, new(*usageError)):
		return ExitUsage
	}
	return ExitFailed
}
