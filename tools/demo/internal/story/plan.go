package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
)

const serviceAddress = "deploy_service.web"

// planned is a plan that was saved.
type planned struct {
	file string
	plan *tfjson.Plan
	// warnings are the lines of its warnings.
	warnings []string
}

// plan plans a version into a file of its own, and says what would change.
func (d *Demo) plan(ctx context.Context, version string) (planned, error) {
	p := planned{file: version + ".tfplan"}
	r, err := d.cli.Must(ctx, "plan", "-no-color", "-out="+p.file, "-var=web_version="+version)
	if err != nil {
		return p, err
	}
	if p.plan, err = d.cli.Show(ctx, p.file); err != nil {
		return p, err
	}
	d.say("  plan %s: %s", version, changes(p.plan))
	p.warnings = warnings(r.Stdout)
	for _, line := range p.warnings {
		d.say("    %s", line)
	}
	return p, nil
}

const noChanges = "no changes"

// changes says in a line what a plan does.
func changes(p *tfjson.Plan) string {
	var created, updated, deleted []string
	for _, r := range p.ResourceChanges {
		if r.Mode != tfjson.ManagedResourceMode || r.Change == nil {
			continue
		}
		name := strings.TrimPrefix(r.Type, "deploy_")
		switch actions := r.Change.Actions; {
		case actions.Create():
			created = append(created, name)
		case actions.Update():
			updated = append(updated, name)
		case actions.Delete():
			deleted = append(deleted, name)
		case actions.Replace():
			updated = append(updated, name+" (replaced)")
		}
	}
	var parts []string
	for _, part := range []struct {
		verb  string
		names []string
	}{{"create", created}, {"update", updated}, {"delete", deleted}} {
		if len(part.names) > 0 {
			parts = append(parts, part.verb+" "+strings.Join(part.names, ", "))
		}
	}
	if len(parts) == 0 {
		return noChanges
	}
	return strings.Join(parts, "; ")
}

// warnings are the lines of a plan's warnings: they stand at its end, before the note about where it was saved.
func warnings(stdout string) []string {
	_, text, found := strings.Cut(stdout, "\nWarning: ")
	if !found {
		return nil
	}
	text, _, _ = strings.Cut("Warning: "+text, "\n────")
	text, _, _ = strings.Cut(text, "\nSaved the plan to:")
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	interruptedStatus = "interrupted"
	// interruptionLimit bounds the wait until a killed run counts as interrupted: its heartbeat must grow old.
	interruptionLimit = 90 * time.Second
)

// planRecovery plans a version when the service's killed run counts as interrupted, as a person would: plan, read that
// a release is in progress, wait, plan again.
func (d *Demo) planRecovery(ctx context.Context, version string) (file string, err error) {
	ctx, cancel := context.WithTimeout(ctx, interruptionLimit)
	defer cancel()
	d.say("  waiting until the heartbeat of the killed run is old enough for a plan to call it interrupted")
	for {
		p, err := d.plan(ctx, version)
		if err == nil && serviceStatus(p.plan) == interruptedStatus {
			return p.file, nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("%s.status is %q in the last plan", serviceAddress, serviceStatus(p.plan))
			}
			return "", fmt.Errorf("wait %s for a plan that finds the killed run interrupted: %w", interruptionLimit, err)
		case <-time.After(time.Second):
		}
	}
}

// serviceStatus is the service's status as the plan's refresh found it.
func serviceStatus(p *tfjson.Plan) string {
	for _, r := range p.ResourceChanges {
		if r.Address != serviceAddress || r.Change == nil {
			continue
		}
		if before, ok := r.Change.Before.(map[string]any); ok {
			status, _ := before["status"].(string)
			return status
		}
	}
	return ""
}
