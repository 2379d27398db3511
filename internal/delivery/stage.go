package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// stageWork is one stage of one attempt under way.
type stageWork struct {
	*work
	stage   service.Stage
	request Request
	number  int
	exports Exports
	// standing: the release has been stable before this stage ran, so there is nothing to restore: the stage looks,
	// and repairs what it owns. reporting: what it finds is a warning (after a rollback).
	standing, reporting bool
	// closed: the body ended the attempt itself, with the passage.
	closed bool
	spec   json.RawMessage
	// worst is how long the stage takes at most.
	worst func(Circumstances) time.Duration
	// validFor bounds how long the passage is good until execution begins; 0: for ever.
	validFor time.Duration
}

// current is the attempt as the ledger has it now.
func (s *stageWork) current() *ledger.Attempt { return s.attempt(s.number) }

// runStage is the frame of every stage: lease, recovery, guards, attempt, body, and the restore where the body fails.
func (p *Procedure) runStage(ctx context.Context, stage service.Stage, request Request, spec interface {
	WorstCase(c Circumstances) time.Duration
}, body func(context.Context, *stageWork) error) (Outcome, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer end()
	if err := w.refuseAfterRecovery(ctx); err != nil {
		return Outcome{}, err
	}
	if request.Owner == "" {
		if adopted, found := w.adopt(stage, request); found {
			return adopted, nil
		}
		request.Owner = uuid.NewString()
	}
	s := &stageWork{work: w, stage: stage, request: request, worst: spec.WorstCase}
	if err := s.encodeSpec(spec); err != nil {
		return Outcome{}, err
	}
	if err := s.enter(ctx); err != nil {
		return s.notBegun(ctx, err)
	}
	if err := s.open(ctx, spec); err != nil {
		return s.notBegun(ctx, err)
	}
	bodyCtx, stop := s.bodyContext(ctx)
	defer stop()
	if err := s.guarded(bodyCtx, body); err != nil {
		return s.failed(ctx, bodyCtx, err)
	}
	if err := s.passes(ctx); err != nil {
		return s.failed(ctx, bodyCtx, err)
	}
	w.deliverSoon(ctx)
	return s.outcome(), nil
}

// stageContext ends with the request's context and with the run.
func (p *Procedure) stageContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.run.cancelled, func() { cancel(errCancelled) })
	return ctx, func() { stop(); cancel(nil) }
}

var (
	errCancelled = errors.New("the run was told to end")
	errOverdue   = errors.New("the stage took longer than its worst case")
)

// bodyContext also ends when the lease is lost and when the stage's worst case is over.
func (s *stageWork) bodyContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return s.timed(ctx, s.allowed())
}

// notBegun ends a stage that could not begin. What it opened all the same is over at once: a stage that the ledger shows as open is
// restored like any other, and an attempt without a stage is none.
func (s *stageWork) notBegun(ctx context.Context, err error) (Outcome, error) {
	if refused := (*Error)(nil); errors.As(err, &refused) || s.standing {
		return Outcome{}, err
	}
	settling, cancel := s.rescue(ctx, seenTimeout)
	defer cancel()
	if settled := s.lease.Settle(settling); settled != nil {
		return Outcome{}, err
	}
	a := s.state().OpenAttempt()
	if a == nil || a.Release != s.request.Release || a.Stage != s.stage && !(a.StageOpenedAt.IsZero() && a.Run == s.procedure.run.id) {
		return Outcome{}, err
	}
	s.number = a.Number
	return s.failed(ctx, ctx, err)
}

// allowed is the time that the stage may take: its worst case as the plan showed it, or as it is by what the ledger knows of the service by
// now, where that is longer: the plan may not have known it yet.
func (s *stageWork) allowed() time.Duration {
	a := s.current()
	var c Circumstances
	if d := s.state().Definition; d != nil {
		c = CircumstancesOf(*d, s.interrupts())
	}
	c.Mode = a.Mode
	r := s.recorded(a)
	if r != nil {
		c.Probe = r.Health.Timeout
	}
	allowed := max(s.request.WorstCase, s.worst(c))
	switch {
	case r == nil || s.stage != service.StageRelease:
	case s.repairs():
		completion := completionAllowance(*r)
		if stable := s.state().StableRelease(); stable != nil && stable.ID != r.ID {
			completion += completionAllowance(*stable)
		}
		allowed = max(allowed, overhead+completion)
	case c.Mode == service.ModeRollback:
		allowed = max(allowed, ReleaseSpec{Health: r.Health}.WorstCase(c)) // It is waited for as it is recorded.
	}
	return allowed
}

// guarded turns a panic of the body into a failure of the stage: the world is put back all the same.
func (s *stageWork) guarded(ctx context.Context, body func(context.Context, *stageWork) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the stage %s broke down, which is a defect of the provider: %v", s.stage, r)
		}
	}()
	return body(ctx, s)
}

// open writes that the stage begins. Standing stages touch nothing that would have to be put back.
func (s *stageWork) open(ctx context.Context, spec any) error {
	if s.standing {
		return nil
	}
	event := ledger.Event{
		Type: ledger.StageOpened, Attempt: s.number, Stage: s.stage, Release: s.request.Release,
		Deadline: s.now().Add(s.allowed()),
	}
	if s.stage == service.StageTrafficSplit {
		event.Spec = s.spec
	}
	if release, ok := spec.(ReleaseSpec); ok {
		event.MaxAttempts = release.MaxAttempts
		if !s.current().Executing {
			s.began = beginning{s.number, s.state().LastChange}
		}
	}
	s.report(s.number, s.stage, s.current().Weight, event.Deadline, "%s of %s begins", s.stage, s.request.Release)
	return s.append(ctx, event)
}

func (s *stageWork) encodeSpec(spec any) error {
	encoded, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode the specification of %s: %w", s.stage, err)
	}
	s.spec = encoded
	return nil
}

func (s *stageWork) passage() *ledger.Passage {
	exports, err := json.Marshal(s.exports)
	if err != nil {
		panic("delivery: exports cannot fail to encode: " + err.Error())
	}
	return &ledger.Passage{
		Attempt: s.number, Release: s.request.Release, At: s.now(), Run: s.procedure.run.id, Owner: s.request.Owner,
		Arguments: s.request.Arguments, Exports: exports, Spec: s.spec, ValidFor: s.validFor,
	}
}

// fillExports sets what all stages export.
func (s *stageWork) fillExports() {
	a := s.current()
	s.exports.Mode, s.exports.Replaces = a.Mode, a.Replaces
	s.exports.WorstCase = service.Duration(s.request.WorstCase)
}

// passes writes that the stage passed, also when the caller gives up meanwhile.
func (s *stageWork) passes(ctx context.Context) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	return s.pass(ctx)
}

func (s *stageWork) pass(ctx context.Context) error {
	if s.closed {
		return nil
	}
	s.fillExports()
	return s.append(ctx, ledger.Event{
		Type: ledger.StagePassed, Attempt: s.number, Stage: s.stage, Release: s.request.Release, Passage: s.passage(),
	})
}

func (s *stageWork) outcome() Outcome {
	seen := s.number
	if standing := s.state().StandingAttempt(); standing != nil {
		seen = standing.Number
	}
	return Outcome{
		Attempt: s.number, Owner: s.request.Owner, Mode: s.exports.Mode, Seen: seen,
		Warnings: s.warnings, Exports: s.exports,
	}
}

// adopt finds that a create of this very stage passed before, and only its answer was lost.
func (w *work) adopt(stage service.Stage, request Request) (Outcome, bool) {
	state := w.state()
	a := state.StandingAttempt()
	if !request.Create || a == nil {
		return Outcome{}, false
	}
	p, passed := a.Passages[stage]
	if !passed || p.Release != request.Release || !state.AnswerLost(p) || state.Expired(*a, p, w.now()) {
		return Outcome{}, false
	}
	var exports Exports
	if json.Unmarshal(p.Exports, &exports) != nil {
		return Outcome{}, false
	}
	return Outcome{Attempt: a.Number, Owner: p.Owner, Mode: exports.Mode, Seen: a.Number, Exports: exports}, true
}
