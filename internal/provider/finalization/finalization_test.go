package finalization

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestSchema(t *testing.T) {
	if diags := resourceSchema().ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}
}

func TestToSpec(t *testing.T) {
	for text, want := range map[string]delivery.FinalizationSpec{
		`{}`: {KeepPrevious: 1},
		`{"bake_time": "10m", "keep_previous": 0}`:                 {BakeTime: service.Duration(10 * time.Minute)},
		`{"bake_time": "<unknown>", "keep_previous": "<unknown>"}`: {KeepPrevious: 1},
	} {
		got, diags := configtest.Model[model](t, resourceSchema(), text).toSpec(t.Context())
		if diags.HasError() || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, diags, want)
		}
	}
}

func TestExport(t *testing.T) {
	exports := delivery.Exports{Finalized: "production/web/1.0.0-00000000", FinalizedAt: time.Date(2026, 11, 23, 21, 0, 0, 5, time.FixedZone("", 3600))}
	m := model{Finalized: types.StringUnknown(), FinalizedAt: types.StringNull()}
	export(&m, exports)
	if m.Finalized.ValueString() != "production/web/1.0.0-00000000" || m.FinalizedAt.ValueString() != "2026-11-23T20:00:00Z" {
		t.Errorf("got %s at %s", m.Finalized, m.FinalizedAt)
	}
	export(&m, delivery.Exports{Finalized: "another"})
	if m.Finalized.ValueString() != "production/web/1.0.0-00000000" {
		t.Errorf("got %s instead of what was planned", m.Finalized)
	}
	unfinished := model{Finalized: types.StringUnknown(), FinalizedAt: types.StringUnknown()}
	export(&unfinished, delivery.Exports{})
	if unfinished.Finalized.IsUnknown() || unfinished.FinalizedAt.IsUnknown() {
		t.Error("something stays unknown after the apply")
	}
}
