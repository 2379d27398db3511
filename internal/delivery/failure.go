package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// evidenceError is a failure that speaks against the release.
type evidenceError struct {
	reason   string
	evidence []string
	// judgement is the look that decided, where one did.
	judgement json.RawMessage
}

func (e *evidenceError) Error() string { return e.reason }

// against makes the error of a release that is not good enough.
func against(evidence []string, format string, args ...any) error {
	return &evidenceError{reason: fmt.Sprintf(format, args...), evidence: evidence}
}

func isEvidence(err error) bool {
	evidence := (*evidenceError)(nil)
	return errors.As(err, &evidence)
}

// refusedError is a failure that says nothing about the release: a window is shut, a port is taken.
type refusedError struct {
	reason   string
	evidence []string
}

func (e *refusedError) Error() string { return e.reason }

// pausedError ends the apply and leaves the candidate where it is.
type pausedError struct{ reason string }

func (e *pausedError) Error() string { return e.reason }

// classify says what kind of failure an error is. bodyCtx is the one that the body ran under.
func classify(bodyCtx context.Context, err error) ledger.Failure {
	var evidence *evidenceError
	var refused *refusedError
	cause := context.Cause(bodyCtx)
	switch {
	case errors.As(err, &evidence):
		return ledger.Failure{Cause: ledger.CauseEvidence, Reason: evidence.reason, Evidence: evidence.evidence, Judgement: evidence.judgement}
	case errors.As(err, &refused):
		return ledger.Failure{Cause: ledger.CauseRefused, Reason: refused.reason, Evidence: refused.evidence}
	case errors.Is(cause, errOverdue):
		return ledger.Failure{Cause: ledger.CauseFault, Reason: errOverdue.Error() + ": " + err.Error()}
	case errors.Is(cause, ledger.ErrLost) || errors.Is(err, ledger.ErrLost):
		return ledger.Failure{Cause: ledger.CauseFault, Reason: err.Error()}
	case cause != nil:
		return ledger.Failure{Cause: ledger.CauseCancelled, Reason: "the run was interrupted"}
	}
	return ledger.Failure{Cause: ledger.CauseFault, Reason: err.Error()}
}

// failed ends a stage whose body did not come through: paused, refused, or restored.
func (s *stageWork) failed(ctx, bodyCtx context.Context, err error) (Outcome, error) {
	var paused *pausedError
	ctx = context.WithoutCancel(ctx)
	switch {
	case s.closed:
		return Outcome{}, s.unfinished(ctx, err)
	case s.standing:
		return Outcome{}, s.standingError(bodyCtx, err)
	case !s.lease.Valid():
		return Outcome{}, s.leaseLost(ctx, err)
	case errors.As(err, &paused):
		return Outcome{}, s.pause(ctx, paused)
	}
	if moved := (*movedError)(nil); errors.As(err, &moved) {
		e := s.unfinishedRollback(ctx, s.current(), moved)
		s.deliverDue(ctx)
		return Outcome{}, e
	}
	failure := classify(bodyCtx, err)
	restored := s.restore(ctx, s.current(), failure)
	restored.Err = err
	s.deliverDue(ctx)
	return Outcome{}, restored
}

// unfinished ends a stage that wrote the end of its attempt, and does not know whether that arrived, or could not do what comes after it.
// What is there when the next run looks decides.
func (s *stageWork) unfinished(ctx context.Context, err error) *Error {
	e := &Error{
		Summary: "Stage Unfinished", What: fmt.Sprintf("%s of %s: %s", s.stage, s.request.Release, err),
		Running: s.running(ctx), Next: "Apply again: what is left is done then.", Err: err,
	}
	if a := s.current(); a.Open() && a.Mode != service.ModeRollback {
		e.What += fmt.Sprintf(". %s passed everything, and it is not known whether that it is finalized was recorded", a.Release)
		e.Next = fmt.Sprintf("Run plan again when the store answers. Where it was recorded, nothing is left; else the next apply, or `%s recover %s`, puts back what ran before.", operatorBinary, s.procedure.id)
	}
	return e
}

// leaseLost ends a stage that may do no more but this: while nobody else can have the lease yet, traffic goes back to stable.
func (s *stageWork) leaseLost(ctx context.Context, err error) *Error {
	e := &Error{
		Summary: "Lease Lost", What: fmt.Sprintf("%s of %s stopped: %s", s.stage, s.request.Release, err), Err: err,
		Next: fmt.Sprintf("Run plan again: it shows what is left. The next apply, or `%s recover %s`, puts the rest right.", operatorBinary, s.procedure.id),
	}
	if trouble := s.lease.Trouble(); trouble != nil {
		e.What += ". The lease could not be renewed: " + trouble.Error()
	}
	a := s.current()
	stable := s.stable(a)
	// What the ledger knows of the weights may be older than the world: they are asked for in any case.
	if !a.Executing || a.Mode == service.ModeRollback || stable == nil || s.adapters.Router == nil || !s.lease.MayGiveBack() {
		e.What += ". Nothing was touched after that"
		e.Running = s.running(ctx)
		return e
	}
	// Little time is left: half of it for the question whether stable serves, and the other to move. Nothing is done after it.
	by := s.lease.GiveBackBy()
	asking := time.Until(by) / 2
	within, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	// As in a restore: what mostly serves has users, while a machine is silent.
	if part, err := s.servingWithin(within, *stable, asking); err != nil && !part {
		e.Leftovers = []string{fmt.Sprintf("traffic was not moved: stable %s does not answer: %s", stable.ID, err)}
		if asking < probeTimeout && (isSilent(err) || errors.Is(err, context.DeadlineExceeded)) {
			e.Leftovers = []string{fmt.Sprintf("traffic was not moved: no time was left to ask whether stable %s answers: %s", stable.ID, err)}
		}
		e.Running = s.seen(ctx, a)
	} else if err := s.setWeightsFirst(within, alone(stable.Placement.Slot)); err != nil {
		e.Leftovers = []string{fmt.Sprintf("traffic could not be moved to %s: %s", stable.ID, err)}
		if silent := (*SilentParts)(nil); errors.As(err, &silent) {
			e.Restored = []string{fmt.Sprintf("all traffic is with %s in slot %s wherever the router answers", stable.ID, stable.Placement.Slot)}
			e.Leftovers = []string{fmt.Sprintf("not all of the router answers, and what does not may still send requests to %s: %s", s.request.Release, err)}
		}
		e.Running = s.seen(ctx, a)
	} else {
		e.Restored = []string{fmt.Sprintf("all traffic is with %s in slot %s, read back from the router", stable.ID, stable.Placement.Slot)}
		e.Running = fmt.Sprintf("%s in slot %s, with all of the traffic", stable.ID, stable.Placement.Slot)
		e.Leftovers = []string{fmt.Sprintf("candidate %s still runs, without traffic", s.request.Release)}
	}
	return e
}

func (s *stageWork) pause(ctx context.Context, paused *pausedError) *Error {
	result := &Error{
		Summary: "Release Paused",
		What:    fmt.Sprintf("%s stays at %d %%: %s", s.request.Release, s.current().Weight, paused.reason),
		Running: s.running(ctx),
		Next:    "Apply again to go on from here, or revert the change to take the release out.",
	}
	if err := s.append(ctx, ledger.Event{Type: ledger.StagePaused, Attempt: s.number, Stage: s.stage, Text: paused.reason}); err != nil {
		result.What += fmt.Sprintf("; and that could not be recorded: %s", err)
	}
	return result
}

// standingError is the failure of a stage of a release that has been stable before: there is nothing to go back to.
func (s *stageWork) standingError(bodyCtx context.Context, err error) *Error {
	failure := classify(bodyCtx, err)
	return &Error{
		Summary:  stageTitle(s.stage) + " Failed",
		What:     fmt.Sprintf("%s, which carries the traffic, fails the stage: %s. Nothing was changed", s.request.Release, failure.Reason),
		Evidence: failure.Evidence,
		Running:  s.running(bodyCtx),
		Next:     "Mend what is named and apply again, or introduce another release.",
		Err:      err,
	}
}

// stageTitle is a stage's name as a title; between two stages the release itself.
func stageTitle(stage service.Stage) string {
	if stage == "" {
		stage = service.StageRelease
	}
	words := strings.Split(string(stage), "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
