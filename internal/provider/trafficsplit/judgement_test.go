package trafficsplit

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestPlanSaysWhatTheJudgementTakes(t *testing.T) {
	prior := types.ListValueMust(types.StringType, nil)
	const judged = `{"release": "` + one + `", "weight": 100, "analysis": {"latency": {"threshold": "1s"}}}`
	view := &ledger.View{State: ledger.State{Definition: &service.Definition{Router: &service.Router{}, Metrics: &service.Metrics{}}}}
	for name, test := range map[string]struct {
		given   string
		change  stage.Change
		differs bool
		mode    service.Mode
		// known is how many lines there are, -1: they are not known, -2: they are the prior ones.
		known int
		asked bool
	}{
		"another release":         {judged, stage.Changed, true, service.ModeUpdate, 2, true},
		"a release to come":       {judged, stage.ChangeUnknown, true, "", 2, true},
		"other arguments":         {judged, stage.Unchanged, true, service.ModeUpdate, 2, true},
		"a rollback":              {judged, stage.Changed, true, service.ModeRollback, 2, false},
		"nothing":                 {judged, stage.Unchanged, false, service.ModeUpdate, -2, false},
		"no analysis":             {`{"weight": 100}`, stage.Changed, true, service.ModeUpdate, 0, false},
		"a pause to come":         {`{"weight": 100, "steps": [{"weight": 5, "pause": "<unknown>"}]}`, stage.Changed, true, service.ModeUpdate, -1, false},
		"a weight to come":        {`{"weight": "<unknown>"}`, stage.Changed, true, service.ModeUpdate, -1, false},
		"an analysis to come":     {`{"weight": 100, "analysis": {"errors": {}, "confidence": "<unknown>"}}`, stage.Changed, true, service.ModeUpdate, -1, false},
		"a way to go on to come":  {`{"weight": 100, "advance": "<unknown>"}`, stage.Changed, true, service.ModeUpdate, -1, false},
		"checks that are to come": {`{"weight": 100, "checks": "<unknown>"}`, stage.Changed, true, service.ModeUpdate, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := read(t, test.given)
			m.Judgement = prior
			asked := false
			diags := plan(t.Context(), stage.Planning[model]{
				Prior: &m, Plan: &m, ReleaseChanges: test.change, ArgumentsChange: test.differs, Mode: test.mode, View: view,
				Survey: func(context.Context, delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
					asked = true
					return delivery.MetricsSurvey{Threshold: time.Minute}, nil
				},
			})
			if asked != test.asked || diags.HasError() || (diags.WarningsCount() > 0) != test.asked {
				t.Errorf("asked: %v; got %v", asked, diags)
			}
			switch got := m.Judgement; {
			case test.known == -1 && !got.IsUnknown(),
				test.known == -2 && !got.Equal(prior),
				test.known >= 0 && (got.IsUnknown() || len(got.Elements()) != test.known):
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestExportSaysWhatTheJudgementTook(t *testing.T) {
	m := read(t, `{"weight": 100, "analysis": {"errors": {}}}`)
	planned := m.toJudgement(t.Context())
	m.Judgement = types.ListUnknown(types.StringType)
	export(&m, delivery.Exports{})
	if !m.Judgement.Equal(planned) || len(planned.Elements()) != 2 {
		t.Errorf("got %s, and %s was planned", m.Judgement, planned)
	}
}
