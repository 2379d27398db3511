package stage

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Kind is what is special about one stage's resource, whose model is M: a struct that embeds Common, with a field for
// each attribute of Schema. Fields marked optional may be nil.
type Kind[M any] struct {
	// Stage names the resource: deploy_<stage>.
	Stage service.Stage
	// Step is what it does.
	Step[M]
	// Schema is all of the resource's schema. Computed attributes are top-level ones and have no plan modifiers: the frame
	// plans them. Where the release does not change they keep their prior values, else they are unknown; Plan refines that.
	// Arguments have no defaults either: what is not written is null in the state, and Spec puts defaults in its place.
	Schema func() schema.Schema
	// Common is the embedded struct of a model.
	Common func(*M) *Common
	// Service that the stage belongs to, from the attribute `service` or from the release's id (ServiceOf). Unknown while that is.
	Service func(*M) types.String

	// Validate decides what can be decided in the configuration alone. Optional. Silent on what is unknown.
	// The frame has already looked at the forms of `service` and `release`, and that they belong together.
	Validate func(ctx context.Context, config M) diag.Diagnostics
	// Target is the release that is wanted. Optional: Common.Release by default. Unknown where something it is made of is.
	Target func(ctx context.Context, plan M) (types.String, diag.Diagnostics)
	// Plan sets what the stage itself computes in p.Plan, from configuration, p.Prior and p.Facts alone; what the ledger
	// shows (p.View) may only warn or refuse. Optional. It is also called where nothing changes, to look for drift.
	Plan func(ctx context.Context, p Planning[M]) diag.Diagnostics

	// Rerun tells whether an update without a change of release must do the stage's work. Optional: never by default; then
	// the changed arguments are recorded and nothing is deployed. prior is the state, plan the planned one: both are known alike at plan and apply.
	Rerun func(prior, plan M) bool

	// Export sets every computed attribute but those of Common from what the ledger keeps of the stage's passage. All must be known after it.
	Export func(m *M, exports delivery.Exports)
	// Recorded lays over that what follows from the rest of the ledger. Optional. prior is the state before where it
	// was of the same attempt, else nil.
	Recorded func(m *M, view ledger.View, prior *M)
	// Refresh lays live facts over a refreshed state, and may note facts for the next plan. Optional. It is not called where the world could
	// not be looked at: then the computed attributes of a state of the same attempt stay as they are.
	Refresh func(m *M, refreshed delivery.Refreshed, facts *Facts)

	// PlanDelete refuses in the plan to destroy or, replacing, to replace the object. Optional. view is nil where the ledger could not be read.
	PlanDelete func(ctx context.Context, prior M, facts Facts, view *ledger.View, replacing bool) diag.Diagnostics
	// Delete ends the object. Optional: the procedure forgets the stage by default.
	Delete func(ctx context.Context, p *delivery.Procedure, owner string) error
	// WarnUnreachable: a refresh that could not look at the world warns. One kind does, so that people read it once.
	WarnUnreachable bool
}

// Change says whether the wanted release is another than the one of the prior state.
type Change int

// The changes. On create the release changes, or is unknown.
const (
	// Unchanged: the stage keeps its release, and its attempt.
	Unchanged Change = iota
	// Changed: the stage runs for another release.
	Changed
	// ChangeUnknown: that will be seen at apply.
	ChangeUnknown
)

// Planning is what a stage's plan is made of.
type Planning[M any] struct {
	// Prior state, nil on create.
	Prior *M
	// Plan to be refined. Release, Attempt and WorstCase are set already.
	Plan *M
	// ReleaseChanges tells whether the stage will run for another release.
	ReleaseChanges Change
	// ArgumentsChange: something that the user writes differs from the prior state.
	ArgumentsChange bool
	// Mode in which the release is (or was) introduced; empty while that is not known.
	Mode service.Mode
	// Facts as of the last refresh; zero on create.
	Facts Facts
	// View of the ledger, nil where it could not be read or the service is not known yet. Only to warn or refuse: it may differ at apply.
	View *ledger.View
	// Definition of the service as this plan makes it, else as the ledger has it; nil where neither is known. Only to warn or refuse.
	Definition *service.Definition
	// Run that the plan is made in, empty where View is nil.
	Run string
	// Credentials that names are resolved with, nil where they are not known yet.
	Credentials delivery.Credentials
	// Survey asks the service's metrics what they have of an analysis, of the release that is stable; nil where there is nobody to ask, and
	// at apply, where the plan has said it. Only to warn.
	Survey func(ctx context.Context, spec delivery.AnalysisSpec) (delivery.MetricsSurvey, error)
	// SurveyRouter asks the service's router what there is to tell of it; nil like Survey. Only to warn.
	SurveyRouter func(ctx context.Context) ([]string, error)
	// Warn adds a warning for the whole resource.
	Warn func(summary, detail string)
}

// Resource is a stage as a Terraform resource.
type Resource[M any] struct {
	kind   Kind[M]
	engine *engine.Engine
}

// New makes the resource of a kind, in the form that a provider lists its resources in.
func New[M any](kind Kind[M]) func() resource.Resource {
	return func() resource.Resource { return &Resource[M]{kind: kind.withDefaults()} }
}

// ServiceOf is the service that a release's id begins with; unknown while the release is.
func ServiceOf(release types.String) types.String {
	if release.IsUnknown() || release.IsNull() {
		return release
	}
	return types.StringValue(string(service.ReleaseID(release.ValueString()).Service()))
}
