package machines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Room implements delivery.Platform. A release of which only the id is known is looked at as far as that goes.
func (m *Machines) Room(ctx context.Context, r service.Release, slot string, leaving ...service.Placement) []service.Problem {
	p, err := m.Placement(r, slot)
	var parts []part
	if err == nil {
		parts, err = m.parts(p)
	}
	if err != nil {
		return []service.Problem{{Path: []string{"platform", "host", "slots"}, Detail: err.Error()}}
	}
	found := make([][]service.Problem, len(parts))
	_ = each(parts, 0, func(n int, p part) error { // What went wrong is a problem.
		found[n] = m.room(ctx, p, r, m.goneOf(p, leaving))
		return nil
	})
	problems := append(toldOnce(parts, found), m.programProblem(ctx, r)...)
	if r.Content.Artifact != "" {
		if missing := m.artifactProblem(ctx, parts, r); missing != nil && len(problems) == 0 {
			problems = append(problems, *missing)
		}
	}
	return problems
}

// gone is what is stopped before a release starts.
type gone struct {
	releases map[service.ReleaseID]bool
	// addresses on which it listens. Not those that an instance keeps: whose socket that is is told by its unit.
	addresses map[string]bool
}

// goneOf leaving placements, seen from a part of what comes.
func (m *Machines) goneOf(p part, leaving []service.Placement) gone {
	g := gone{map[service.ReleaseID]bool{}, map[string]bool{}}
	for _, old := range leaving {
		g.releases[old.Release] = true
		kept, err := m.recordOf(old)
		itself := err == nil && kept.Existing == "" && old.Slot == p.slot
		for _, was := range old.Instances {
			stays := itself && slices.ContainsFunc(p.instances, func(i instance) bool { return i.Name == was.Name && i.Address == was.Address })
			g.addresses[was.Address] = g.addresses[was.Address] || !stays
		}
	}
	return g
}

// room looks at one machine.
func (m *Machines) room(ctx context.Context, p part, r service.Release, gone gone) []service.Problem {
	draft, err := m.draft(p, r.Content)
	if err != nil {
		return []service.Problem{problem(err.Error(), "systemd")}
	}
	out, err := p.look(ctx, p.prelude()+p.roomScript(m.definition, draft.unit, r)+p.unitsScript(draft.dropIns)+"echo; echo sights\n"+p.seeScript())
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return []service.Problem{problem(sudoRemedy(refused.text), "directory")}
	case err != nil:
		return []service.Problem{problem(fmt.Sprintf("%s does not answer: %s", p.machine, err))}
	}
	seeing, sights, _ := strings.Cut(out, "\nsights\n")
	problems := readProblems(seeing)
	seen, err := p.readSights(sights)
	if err != nil {
		return append(problems, problem(err.Error()))
	}
	taken := map[service.ReleaseID]bool{}
	for n, i := range p.instances {
		_, other := seen[n].listener(i, p.address)
		if release := seen[n].occupant(p); release != "" && release != r.ID && !gone.releases[release] {
			if !taken[release] {
				problems = append(problems, problem(fmt.Sprintf("slot %s holds another release: %s runs as %s; stop it first", p.slot, release, i.Name), "slots", p.slot))
			}
			taken[release] = true
		} else if other != "" && !gone.addresses[i.Address] {
			problems = append(problems, problem(fmt.Sprintf("port %d of %s is held by another program: %s", i.port, i.Name, other), "slots", p.slot, "ports"))
		}
	}
	if unfit := m.transferProblem(ctx, p, r); unfit != nil {
		problems = append(problems, *unfit)
	}
	return append(problems, p.verify(ctx, draft)...)
}

// occupant is the release whose unit has the instance's place; empty if none.
func (s sight) occupant(p part) service.ReleaseID {
	if s.active() {
		return s.release(p)
	}
	return ""
}

// transferProblem tells whether the machine can take the release's files, and run its program: whether Place would find so. What else is wrong
// with the artifact is programProblem's and artifactProblem's.
func (m *Machines) transferProblem(ctx context.Context, p part, r service.Release) *service.Problem {
	reference, err := service.ParseReference(r.Content.Artifact)
	if err != nil {
		return nil //nolint:nilerr // nothing is known of its size
	}
	err = transfer.Room(ctx, p.machine, m.request(p, r, reference))
	var found service.Problem
	if full, is := errors.AsType[*transfer.FullError](err); is {
		found = problem(full.Lacking(), "directory")
	} else if foreign, is := errors.AsType[*transfer.ArchitectureError](err); is {
		found = problem(foreign.Unfit())
	} else {
		return nil
	}
	return &found
}

// request is what is brought to a machine for a release.
func (m *Machines) request(p part, r service.Release, reference service.Reference) transfer.Request {
	systemd := *m.definition.Systemd
	systemd.Scope = p.Scope
	return transfer.Request{
		ForAll: unit{login: m.login(p), systemd: systemd}.byAnother(), Artifact: reference, Limits: m.options.Limits, Directory: p.Directory, Release: r.ID, Program: r.Content.PackedProgram(), Patience: m.options.Patience,
	}
}

// artifactProblem tells whether the artifact is the one that is meant, or is on all machines already.
func (m *Machines) artifactProblem(ctx context.Context, parts []part, r service.Release) *service.Problem {
	reference, err := service.ParseReference(r.Content.Artifact)
	if err == nil {
		if err = artifact.Verify(ctx, reference.Path, reference.Digest); err == nil {
			return nil
		}
		if each(parts, 0, func(_ int, p part) error {
			missing, asked := transfer.Missing(ctx, p.machine, m.request(p, r, reference))
			if asked == nil && missing > 0 {
				asked = err
			}
			return asked
		}) == nil {
			return nil
		}
	}
	return &service.Problem{Path: []string{"content", "artifact"}, Detail: err.Error()}
}
