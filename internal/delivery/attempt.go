package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// enter finds the attempt that the stage belongs to: the open one of its release, a new one, or, for a release that is
// stable already, the one in which it came there.
func (s *stageWork) enter(ctx context.Context) error {
	r := s.request
	if r.Release.Service() != s.procedure.id {
		return refuse("Wrong Service", fmt.Sprintf("Release %s is not one of service %s", r.Release, s.procedure.id), "Take release and service from the same deploy_service.")
	}
	view := ledger.View{State: *s.state(), Now: s.now(), Alive: true}
	if err := s.guard(view); err != nil {
		return err
	}
	state := &view.State
	if a := state.OpenAttempt(); a != nil && a.Release == r.Release {
		s.number = a.Number
		return s.fresh(a)
	}
	if open := state.OpenAttempt(); state.Stable == r.Release && (open == nil || !open.Executing) {
		if a := newestOf(state, r.Release); a != nil {
			if open != nil {
				// Nothing of it runs yet, so nothing has to be rolled back: it ends, and stable stands as it is.
				if err := s.abandon(ctx, open); err != nil {
					return err
				}
			}
			s.number, s.standing, s.reporting = a.Number, true, a.Mode == service.ModeRollback
			return nil
		}
	}
	if !begins(s.stage) {
		return changedSincePlan(fmt.Sprintf("%s is neither running nor being introduced, so it cannot pass the stage %s", r.Release, s.stage))
	}
	if err := s.held(ctx, r.Release); err != nil {
		return err
	}
	return s.openAttempt(ctx)
}

// guard refuses what would lose another run's update.
func (s *stageWork) guard(view ledger.View) error {
	r := s.request
	if a := view.State.OpenAttempt(); r.Create && a != nil && a.Executing && a.Release != r.Release && a.Run != s.procedure.run.id {
		// A create has no state that could tell whether its plan knew of the candidate.
		return refuse("Service Changed Since Plan", fmt.Sprintf("%s is being introduced (attempt %d), and a stage that is new in this configuration must not take it out", a.Release, a.Number),
			fmt.Sprintf("Bring it to its end first, or take it out: `%s rollback %s`. A stage may be added together with the release that is being introduced, or when none is.", operatorBinary, s.procedure.id))
	}
	if r.Create && s.stage == service.StageRelease {
		// A release that is not in the state must not take the place of one that somebody else manages.
		if a := view.State.StandingAttempt(); a != nil && a.Run != s.procedure.run.id && a.Release != r.Release && a.End == service.EndFinalized {
			if _, owned := a.Passages[service.StageRelease]; owned {
				return alreadyManaged(s.procedure.id, service.StageRelease)
			}
		}
		// One of which the ledger does not know how it was made was adopted, and is now made known.
		if a := newestOf(&view.State, r.Release); a != nil && a.End == service.EndFinalized && view.State.Stable == r.Release {
			if _, known := a.Passages[service.StageRelease]; known {
				return alreadyManaged(s.procedure.id, service.StageRelease)
			}
		}
	}
	if p := view.State.Standing(s.stage, 0, view.Now); p != nil && p.Owner != "" && p.Owner != r.Owner {
		// A create whose answer was lost is nobody else's: the stage is anew this resource's.
		if !r.Create || !view.State.AnswerLost(*p) {
			return alreadyManaged(s.procedure.id, s.stage)
		}
	}
	if r.Create {
		return nil
	}
	if err := GuardPlan(view, s.procedure.run.id, r.Release, r.PriorAttempt, r.Seen); err != nil {
		return err
	}
	return nil
}

func alreadyManaged(id service.ID, stage service.Stage) *Error {
	return refuse("Already Managed", fmt.Sprintf("The %s of %s is managed by another resource or configuration", strings.ReplaceAll(string(stage), "_", " "), id),
		fmt.Sprintf("Import it: `terraform import deploy_%s.<name> %s`; or remove it from the other configuration first.", stage, id))
}

// fresh refuses to begin the execution on a preflight or checkpoint that is too old.
func (s *stageWork) fresh(a *ledger.Attempt) error {
	if a.Executing || s.stage != service.StageRelease || a.Mode == service.ModeRollback {
		return nil
	}
	for stage, summary := range map[service.Stage]string{service.StagePreflight: "Preflight Expired", service.StageCheckpoint: "Checkpoint Expired"} {
		if p, passed := a.Passages[stage]; passed && s.state().Expired(*a, p, s.now()) {
			return refuse(summary, fmt.Sprintf("The %s of %s passed at %s and was good for %s", stage, a.Release, p.At.Format("15:04:05 MST"), p.ValidFor), planAgain)
		}
	}
	return nil
}

// begins tells whether an attempt may start with this stage.
func begins(stage service.Stage) bool {
	return stage == service.StagePreflight || stage == service.StageCheckpoint || stage == service.StageRelease
}

func newestOf(state *ledger.State, release service.ReleaseID) *ledger.Attempt {
	for i := len(state.Attempts) - 1; i >= 0; i-- {
		if a := &state.Attempts[i]; a.Release == release && a.Stands() {
			return a
		}
	}
	return nil
}

// openAttempt begins an attempt for the stage's release. An open one of another release ends first: finalized where
// it carries all of the traffic, else taken away.
func (s *stageWork) openAttempt(ctx context.Context) error {
	var done string
	if a := s.state().OpenAttempt(); a != nil && s.outlived(a) {
		if err := s.finalizeUnfinished(ctx, a); err != nil {
			return err
		}
		done = fmt.Sprintf("%s, which had all of the traffic, was finalized", a.Release)
	}
	mode := s.state().Wanted(s.request.Release)
	sweep := s.sweep
	if mode == service.ModeRollback {
		if err := s.mayRollBack(ctx, s.request.Release); err != nil {
			return err
		}
		sweep = func(ctx context.Context) error { return s.sweepBeforeRollback(ctx, s.request.Release) }
	}
	if a := s.state().OpenAttempt(); a != nil {
		if err := s.abandon(ctx, a); err != nil {
			return err
		}
		done = fmt.Sprintf("the introduction of %s was ended", a.Release)
	}
	if err := sweep(ctx); err != nil {
		return &Error{
			Summary: stageTitle(s.stage) + " Failed", Before: done, Err: err,
			What: fmt.Sprintf("%s. So what is left of earlier releases of %s could not be looked after, and nothing was introduced", err, s.procedure.id),
			Next: "Mend what is named, and apply again. A host that does not come back is taken out of platform.host.hosts.",
		}
	}
	s.discard(ctx)
	state := s.state()
	s.number = state.LastAttempt + 1
	started := s.message(s.number, "started", fmt.Sprintf("%s: %s of %s begins, over %s%s", s.procedure.id, mode, s.request.Release.Label(), orNothing(state.Stable), s.overridden()), "")
	started.Release, started.Replaces = s.request.Release, state.Stable // The attempt is not in the ledger yet.
	return s.append(ctx, ledger.Event{
		Type: ledger.AttemptOpened, Attempt: s.number, Release: s.request.Release,
		Opening: &ledger.Opening{Mode: mode, Replaces: state.Stable},
		Text:    fmt.Sprintf("%s of %s begins", mode, s.request.Release),
		Notify:  started, Channels: s.channels("started"),
	})
}

// overridden says for a message what the preflight that begins an attempt leaves out, and why; empty where it leaves out nothing.
func (s *stageWork) overridden() string {
	var spec PreflightSpec
	if s.stage != service.StagePreflight || json.Unmarshal(s.spec, &spec) != nil || spec.Override == nil {
		return ""
	}
	return fmt.Sprintf("; OVERRIDE: the preflight skips %s, because: %s", strings.Join(spec.Override.Skip, ", "), spec.Override.Reason)
}

// outlived tells whether an open attempt's release is to be finalized by the one that follows it: it has all of the traffic,
// and the service has no finalization that would have done it. Where stable is wanted again, it is taken away like any other.
func (s *stageWork) outlived(a *ledger.Attempt) bool {
	state := s.state()
	return a.Judged == 100 && s.request.Release != state.Stable && state.Standing(service.StageFinalization, 0, s.now()) == nil
}

func orNothing(r service.ReleaseID) string {
	if r == "" {
		return "nothing"
	}
	return r.Label()
}

// finalizeUnfinished closes an attempt whose release carries all of the traffic, and that no deploy_finalization closed.
func (s *stageWork) finalizeUnfinished(ctx context.Context, a *ledger.Attempt) error {
	s.warn("Release Finalized By Its Successor", fmt.Sprintf("%s had all of the traffic and was never finalized: it is finalized now, before %s is introduced. "+
		"Add a deploy_finalization to do it when it is verified.", a.Release, s.request.Release))
	return s.closeFinalized(ctx, a, 1, nil)
}

// abandon takes an open candidate away, traffic first, because another release is wanted.
func (s *stageWork) abandon(ctx context.Context, a *ledger.Attempt) error {
	return s.takeAway(ctx, a, fmt.Sprintf("%s is wanted instead", s.request.Release), ledger.Closing{End: service.EndAbandoned})
}

// takeAway restores what an open attempt changed, though nothing failed. It is a restore like any other: journalled before
// it begins, not cancelled in the middle, finished by a recovery.
func (w *work) takeAway(ctx context.Context, a *ledger.Attempt, reason string, ending ledger.Closing) error {
	failure := ledger.Failure{Cause: ledger.CauseCancelled, Reason: reason}
	if err := w.append(ctx, ledger.Event{
		Type: ledger.RestoreStarted, Attempt: a.Number, Release: a.Release, Failure: &failure, Closing: &ending, Text: reason,
	}); err != nil {
		return err
	}
	if restored := w.restore(ctx, w.attempt(a.Number), failure); len(restored.Leftovers) > 0 {
		return restored
	}
	return nil
}
