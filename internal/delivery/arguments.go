package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ChangeArguments records other arguments of a stage whose release does not change: nothing is deployed.
func (p *Procedure) ChangeArguments(ctx context.Context, stage service.Stage, request Request, spec any, exports Exports) (Outcome, error) {
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
	s := &stageWork{work: w, stage: stage, request: request, exports: exports}
	view := ledger.View{State: *w.state(), Now: w.now(), Alive: true}
	if err := s.guard(view); err != nil {
		return Outcome{}, err
	}
	passage := view.Standing(stage)
	if passage == nil || passage.Release != request.Release {
		return Outcome{}, changedSincePlan(fmt.Sprintf("%s does not stand in the stage %s any more", request.Release, stage))
	}
	s.number = passage.Attempt
	if err := s.encodeSpec(spec); err != nil {
		return Outcome{}, err
	}
	s.validFor = passage.ValidFor
	changed := s.passage()
	changed.At = passage.At
	if err := w.append(ctx, ledger.Event{Type: ledger.ArgumentsChanged, Attempt: s.number, Stage: stage, Release: request.Release, Passage: changed}); err != nil {
		return Outcome{}, err
	}
	if release, ok := spec.(ReleaseSpec); ok {
		if err := s.changeHealth(ctx, release); err != nil {
			return Outcome{}, err
		}
	}
	return s.outcome(), nil
}

// changeHealth records how the standing release is probed from now on.
func (s *stageWork) changeHealth(ctx context.Context, spec ReleaseSpec) error {
	record := s.recorded(s.current())
	if record == nil {
		return nil
	}
	record.Health = spec.Health
	return s.append(ctx, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: s.number, Release: record.ID, Record: record})
}
