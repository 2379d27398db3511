package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// surveyTimeout bounds what a plan waits for a source of metrics: what it says there is for a warning.
const surveyTimeout = 5 * time.Second

// SurveyMetrics asks the metrics of the service what they have of what spec judges by, of the release that is stable by view: its
// candidate does not run yet. It changes nothing and takes no lease. Where there is neither a stable release nor metrics the survey
// is empty. An error says that the source cannot be asked.
func (p *Procedure) SurveyMetrics(ctx context.Context, view ledger.View, spec AnalysisSpec) (MetricsSurvey, error) {
	definition, stable := view.State.Definition, view.State.StableRelease()
	if definition == nil || stable == nil || !stable.Placement.Placed() {
		return MetricsSurvey{}, nil
	}
	adapters, err := p.run.connector.Adapters(*definition)
	if err != nil {
		return MetricsSurvey{}, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	if adapters.Metrics == nil {
		return MetricsSurvey{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	return adapters.Metrics.Survey(ctx, stable.Placement, spec.measure())
}

// SurveyRouter is what the service's router has to tell the reader of a plan, none where it has no router. It changes nothing and takes no
// lease. An error says that the router cannot be asked.
func (p *Procedure) SurveyRouter(ctx context.Context, view ledger.View) ([]string, error) {
	definition := view.State.Definition
	if definition == nil {
		return nil, nil
	}
	adapters, err := p.run.connector.Adapters(*definition)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	if adapters.Router == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	return adapters.Router.Warnings(ctx)
}

// Unready tells which machines of a definition could not be worked on now, for a plan: it asks each once, for a few seconds at most. It
// takes no lease and changes nothing. An error says that the definition has no platform that can be asked.
func (p *Procedure) Unready(ctx context.Context, definition service.Definition) ([]service.Problem, error) {
	adapters, err := p.run.connector.Adapters(definition)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, surveyTimeout, fmt.Errorf("no answer within %s", surveyTimeout))
	defer cancel()
	return adapters.Platform.Unready(ctx), nil
}
