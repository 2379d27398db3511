package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/private"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Read tells the truth: the newest release that passed the stage in an attempt that still stands, with the arguments that
// belonged to it, and live facts laid over it. It writes nothing to the store.
func (r *Resource[M]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	if !r.engine.Known() {
		return // Nothing can be asked yet: the state stays as it is.
	}
	facts, diags := private.Read[Facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	prior := r.model(ctx, req.State.Raw, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := service.ID(r.kind.Service(&prior).ValueString())
	l := r.load(ctx, id, facts, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if l.passage == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	raw := r.told(ctx, l, &prior, attributesOf(req.State.Raw, &resp.Diagnostics), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.State.Raw = raw
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, l.facts)...)
}

// ImportState takes a stage over by the id of its service or release.
func (r *Resource[M]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id, release, err := parseImport(r.kind.Stage, req.ID)
	if err != nil {
		resp.Diagnostics.AddError("Invalid Import Id", diagnostics.Sentence(err.Error()))
		return
	}
	l := r.load(ctx, id, Facts{}, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if l.passage == nil || release != "" && l.passage.Release != release {
		resp.Diagnostics.AddError("Nothing To Import", r.notThere(l, id, req.ID))
		return
	}
	raw := r.told(ctx, l, nil, nil, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.State.Raw = raw
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, l.facts)...)
}

// parseImport takes the id of a service or a release; of a checkpoint also its own, which is the release's with a word behind.
func parseImport(stage service.Stage, text string) (service.ID, service.ReleaseID, error) {
	if stage == service.StageCheckpoint {
		text = strings.TrimSuffix(text, delivery.CheckpointID(""))
	}
	if id, err := service.ParseID(text); err == nil {
		return id, "", nil
	}
	if release, err := service.ParseReleaseID(text); err == nil {
		return release.Service(), release, nil
	}
	return "", "", fmt.Errorf("%q is neither the id of a service, such as production/web, nor that of a release, such as production/web/1.8.2-5c1f9e0b", text)
}

func (r *Resource[M]) notThere(l *loaded, id service.ID, asked string) string {
	if l.passage != nil {
		return fmt.Sprintf("%s is asked for, and the release that stands in this stage is %s. Import that, or the service: %s.", asked, l.passage.Release, id)
	}
	return fmt.Sprintf("No release of %s stands in this stage. Apply a configuration that has it.", id)
}

// loaded is what the ledger and the world say of a stage.
type loaded struct {
	refreshed delivery.Refreshed
	passage   *ledger.Passage
	facts     Facts
}

func (r *Resource[M]) load(ctx context.Context, id service.ID, facts Facts, diags *diag.Diagnostics) *loaded {
	run, err := r.engine.Run()
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Known", err)
		return nil
	}
	refreshed, err := run.Service(id).Refresh(ctx, r.kind.Stage)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", fmt.Errorf("read the ledger of %s: %w", id, err))
		return nil
	}
	if err := r.engine.SameStore(ctx, id, facts.StoreID, &refreshed.State); err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
		return nil
	}
	facts.observe(refreshed.View)
	facts.ExpectedWeights = nil
	newest := newestStanding(refreshed.View)
	facts.SeenOpen = newest != nil && newest.Open()
	if facts.StoreID == "" || refreshed.State.AdoptedFrom == facts.StoreID {
		if facts.StoreID, err = r.engine.StoreID(ctx); err != nil {
			diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
		}
	}
	passage := refreshed.Standing(r.kind.Stage)
	if facts.Owner == "" && passage != nil {
		// An import; or a state whose private part is lost: Terraform drops it when a provider dies in the middle of a change.
		facts.Owner = passage.Owner
	}
	return &loaded{refreshed: refreshed, passage: passage, facts: facts}
}

// told is the state that what was loaded comes to. It completes the facts.
func (r *Resource[M]) told(ctx context.Context, l *loaded, prior *M, priorRaw attributes, diags *diag.Diagnostics) tftypes.Value {
	var exports delivery.Exports
	m, found := r.recorded(ctx, l.refreshed.View, diags)
	if !found {
		return tftypes.Value{}
	}
	if err := json.Unmarshal(l.passage.Exports, &exports); err != nil {
		diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", fmt.Errorf("read what the %s of attempt %d exports: %w", r.kind.Stage, l.passage.Attempt, err))
		return tftypes.Value{}
	}
	common := r.kind.Common(&m)
	common.WorstCase = types.StringValue(engine.FormatDuration(exports.WorstCase.D()))
	l.facts.Mode = exports.Mode
	r.kind.Export(&m, exports)
	same := prior != nil && r.kind.Common(prior).Attempt.Equal(common.Attempt) && r.kind.Common(prior).Release.Equal(common.Release)
	if !same {
		prior = nil
	}
	if r.kind.Recorded != nil {
		r.kind.Recorded(&m, l.refreshed.View, prior)
	}
	if l.refreshed.Unreachable == nil {
		if r.kind.Refresh != nil {
			r.kind.Refresh(&m, l.refreshed, &l.facts)
		}
		return r.raw(ctx, m, diags)
	}
	r.warnUnreachable(l, diags)
	return r.keepComputed(ctx, m, same, priorRaw, diags)
}

// keepComputed leaves computed attributes as the state had them, where it was the state of the same attempt.
func (r *Resource[M]) keepComputed(ctx context.Context, m M, same bool, priorRaw attributes, diags *diag.Diagnostics) tftypes.Value {
	s := r.kind.Schema()
	state := attributesOf(r.raw(ctx, m, diags), diags)
	if same {
		for _, name := range computed(s, nil) {
			state[name] = priorRaw[name]
		}
	}
	return state.value(ctx, s)
}

func (r *Resource[M]) warnUnreachable(l *loaded, diags *diag.Diagnostics) {
	if r.kind.WarnUnreachable {
		diags.AddWarning("Service Not Reachable", fmt.Sprintf("What runs of %s could not be looked at by the definition that the last apply recorded, so the plan shows what was last known: %s. "+
			"An apply begins no release before it can. Where this plan changes what is named, such as a login or a router, the apply goes by what it says.",
			l.passage.Release.Service(), l.refreshed.Unreachable))
	}
}

func releaseAndAttempt(p *ledger.Passage) (types.String, types.Int64) {
	return types.StringValue(string(p.Release)), types.Int64Value(int64(p.Attempt))
}
