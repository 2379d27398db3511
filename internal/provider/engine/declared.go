package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Terraform plans all resources of one plan in one process, each on its own. Here they meet.

// Declaration is one resource's part of a plan.
type Declaration struct {
	// Existing: it is in the state already, or takes the place of itself (Replacing).
	Existing, Replacing bool
	// WorstCase of the stage if the plan runs it, 0 if it does not.
	WorstCase time.Duration
}

type declared struct {
	existing, added int
	worst           time.Duration
}

func (d *declared) count(declaration Declaration) (twice bool) {
	switch {
	case declaration.Replacing:
		// The second look at a resource that was counted when its update was planned.
	case declaration.Existing:
		d.existing++
	default:
		d.added++
	}
	d.worst = declaration.WorstCase
	return d.existing+d.added > 1
}

// DeclareDefinition notes what a plan makes of a service, so that the stages planned after it see its router and metrics.
func (e *Engine) DeclareDefinition(definition service.Definition) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.definitions[definition.ID] = definition
}

// Definition is what this plan makes of a service; found is false where the plan does not touch it.
func (e *Engine) Definition(id service.ID) (definition service.Definition, found bool) {
	if e == nil {
		return definition, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	definition, found = e.definitions[id]
	return definition, found
}

// DeclareService notes that a plan holds a service; it refuses a second one of the same id.
func (e *Engine) DeclareService(id service.ID, declaration Declaration) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.defined[id]
	if d == nil {
		d = &declared{}
		e.defined[id] = d
	}
	if d.count(declaration) {
		return &delivery.Error{
			Summary: "Service Declared Twice", What: fmt.Sprintf("The configuration holds more than one deploy_service with the id %s", id),
			Next: "Give each its own name or environment.", Path: []string{"name"},
		}
	}
	return nil
}

// DeclareStage notes that a plan holds a stage of a service, and that it runs for its worst case. It refuses a second
// one of a kind, and more time than the run budget. Where this process has begun to change things already, time is not
// asked for any more: stopping half-way is worse than being late.
func (e *Engine) DeclareStage(id service.ID, stage service.Stage, declaration Declaration) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	stages := e.stages[id]
	if stages == nil {
		stages = map[service.Stage]*declared{}
		e.stages[id] = stages
	}
	d := stages[stage]
	if d == nil {
		d = &declared{}
		stages[stage] = d
	}
	if d.count(declaration) {
		return &delivery.Error{
			Summary: "Stage Declared Twice", What: fmt.Sprintf("The configuration holds more than one deploy_%s of %s, and a service has one of a kind", stage, id),
			Next: "Keep one of them.",
		}
	}
	if e.changed || e.budget == 0 || declaration.WorstCase == 0 {
		return nil
	}
	if err := overBudget(id, stage, stages, e.budget); err != nil && !e.over[id] {
		e.over[id] = true // The stages behind it would say the same.
		return err
	}
	return nil
}

// length names the argument that bears most on how long a stage takes.
var length = map[service.Stage]string{
	service.StagePreflight: "checks", service.StageCheckpoint: "backups", service.StageRelease: "health", service.StageSmokeTest: "checks",
	service.StageTrafficSplit: "steps", service.StageVerification: "checks", service.StageFinalization: "bake_time",
}

// overBudget sums up what the stages of a service that were planned so far may take together. Those behind them come on top.
func overBudget(id service.ID, last service.Stage, stages map[service.Stage]*declared, budget time.Duration) error {
	var total time.Duration
	var parts []string
	for _, stage := range service.Stages {
		if d := stages[stage]; d != nil && d.worst > 0 {
			total += d.worst
			parts = append(parts, fmt.Sprintf("deploy_%s: %s", stage, FormatDuration(d.worst)))
		}
	}
	if total <= budget {
		return nil
	}
	return &delivery.Error{
		Summary:  "Run Budget Exceeded",
		What:     fmt.Sprintf("The stages of %s may take at least %s together, counting those planned so far, and the provider's run_budget is %s", id, FormatDuration(total), FormatDuration(budget)),
		Evidence: slices.Clip(parts),
		Next:     "Shorten deadlines, pauses or time limits, or raise run_budget to what the place that runs the apply allows.",
		Path:     []string{length[last]},
	}
}

// FormatDuration writes a duration as people do: "10m", "1h30m", "45s", rounded to whole seconds.
func FormatDuration(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
