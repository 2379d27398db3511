package machines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Unready implements delivery.Platform.
func (m *Machines) Unready(ctx context.Context) []service.Problem {
	parts, err := m.everywhere()
	if err != nil {
		return []service.Problem{{Path: []string{"platform", "host"}, Detail: err.Error()}}
	}
	found := make([][]service.Problem, len(parts))
	_ = each(parts, 0, func(n int, p part) error { // What went wrong is a problem.
		draft, err := m.draft(p, service.Content{})
		if err != nil {
			found[n] = append(found[n], problem(err.Error(), "systemd"))
			return nil
		}
		out, err := p.look(ctx, p.prelude()+journalBody+readyBody+"readable\n"+p.unitsScript(draft.dropIns)+"exit 0\n")
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			found[n] = append(found[n], problem(refused.text, "systemd", "scope"))
		case err != nil && ctx.Err() != nil:
			found[n] = append(found[n], problem(fmt.Sprintf("%s does not answer: %s", p.machine, context.Cause(ctx))))
		case err != nil:
			found[n] = append(found[n], problem(fmt.Sprintf("%s does not answer: %s", p.machine, err)))
		}
		found[n] = append(found[n], readProblems(out)...)
		if err == nil {
			found[n] = append(found[n], p.verify(ctx, draft)...)
		}
		return nil
	})
	return toldOnce(parts, found)
}

// unitsScript says what stands in the way of the part's units, and of their drop-ins by name.
func (p part) unitsScript(dropIns map[string]string) string {
	if p.Existing != "" {
		return "" // It is the user's, and stays as it is.
	}
	return "wanted=" + shellword.Quote(strings.Join(p.wanted(), " ")) + " mark=" + shellword.Quote(mark(p.release.Service())) +
		" dropins=" + shellword.Quote(strings.Join(slices.Sorted(maps.Keys(dropIns)), " ")) + "\n" + theirsBody + unitsBody
}
