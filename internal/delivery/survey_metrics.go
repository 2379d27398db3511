package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
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
