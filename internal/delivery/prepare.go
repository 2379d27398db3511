package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	goversion "github.com/hashicorp/go-version"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Preflight is step 1, prepare: stable is healthy and complete, there is room for both releases, the router is ready to split between them,
// what the release requires is there, the window is open, the checks pass.
func (p *Procedure) Preflight(ctx context.Context, request Request, spec PreflightSpec) (Outcome, error) {
	return p.runStage(ctx, service.StagePreflight, request, spec, func(ctx context.Context, s *stageWork) error {
		s.validFor = spec.ValidFor.D()
		s.exports.ValidUntil = s.now().Add(s.validFor)
		if s.standing || s.current().Mode == service.ModeRollback {
			return nil // What is stable, or was and is kept ready, needs no preparation: a rollback does not wait.
		}
		return s.prepare(ctx, spec)
	})
}

func (s *stageWork) prepare(ctx context.Context, spec PreflightSpec) error {
	skipped := func(what string) bool { return spec.Override != nil && slices.Contains(spec.Override.Skip, what) }
	if spec.Override != nil {
		s.warn("Preflight Overridden", fmt.Sprintf("%s of %s skips %s, because: %s.", s.stage, s.request.Release, strings.Join(spec.Override.Skip, ", "), spec.Override.Reason))
	}
	if spec.Window != nil && !skipped("window") {
		if err := spec.Window.Open(s.now()); err != nil {
			return &refusedError{reason: err.Error()}
		}
	}
	// Once the execution has begun the candidate is where it is.
	if !s.current().Executing {
		if !skipped("health") {
			if err := s.stableReady(ctx); err != nil {
				return err
			}
		}
		release := service.Release{ID: s.request.Release}
		if spec.Content != nil {
			release.Content = *spec.Content
		}
		// What it says itself is told before what machines find.
		if err := s.handedOver(release.Content, release.Content.Config); err != nil {
			return &refusedError{reason: fmt.Sprintf("%s cannot be started: %s", release.ID, err)}
		}
		if err := s.room(ctx, release); err != nil {
			return err
		}
		if s.adapters.Router != nil {
			if err := s.splitsFor(ctx, release, s.otherSlot(), s.state().StableRelease()); err != nil {
				return err
			}
		}
	}
	if !skipped("requires") {
		if err := s.required(ctx, spec); err != nil {
			return err
		}
	}
	return s.preflightChecks(ctx, spec, skipped)
}

// stableReady sees to it that what one would go back to is complete, answers, carries all of the traffic, and could be
// started again.
func (s *stageWork) stableReady(ctx context.Context) error {
	stable := s.state().StableRelease()
	if stable == nil {
		return nil
	}
	snapshot, err := s.inspect(ctx, *stable)
	silent := (*silentError)(nil)
	switch {
	case errors.As(err, &silent) && !outOfReach(err) && ctx.Err() == nil && len(hostsOf(stable.Placement)) > 0:
		return &refusedError{reason: fmt.Sprintf("a machine of stable %s does not answer, so there is nothing sound to go back to. Bring it back, and apply again; or take the host out of platform.host.hosts, and apply: then the release goes on without it",
			stable.ID), evidence: []string{err.Error()}}
	case err != nil:
		return fmt.Errorf("look at stable %s: %w", stable.ID, err)
	}
	if !snapshot.Complete(*stable) {
		return &refusedError{reason: fmt.Sprintf("stable %s is not complete, so there is nothing sound to go back to. Apply the configuration of %s: that starts what is missing; or skip \"health\" by an override",
			stable.ID, stable.ID.Label()), evidence: []string{describe(snapshot.Instances)}}
	}
	if err := s.probeOnce(ctx, *stable); err != nil {
		return &refusedError{reason: fmt.Sprintf("stable %s is not healthy, so there is nothing sound to go back to", stable.ID), evidence: []string{err.Error()}}
	}
	if snapshot.Weights != nil && snapshot.Weights[stable.Placement.Slot] != 100 {
		return s.sharing(ctx, *stable, snapshot.Weights)
	}
	if err := s.startable(stable.Content); err != nil {
		return &refusedError{reason: fmt.Sprintf("stable %s could not be started again: %s", stable.ID, err)}
	}
	return nil
}

// sharing refuses a stable release that has not all of the traffic, and says how it gets it again.
func (s *stageWork) sharing(ctx context.Context, stable service.Release, weights map[string]int) error {
	remedy := fmt.Sprintf("Apply the configuration of %s: that gives it all of the traffic again", stable.ID.Label())
	if sum := totalOf(weights); sum > 0 && sum < 100 {
		refused := &refusedError{reason: fmt.Sprintf("the parts of the router differ, so stable %s does not have all of the traffic at each of them. %s", stable.ID, remedy)}
		told, err := s.adapters.Router.Warnings(ctx)
		if refused.evidence = told[:min(len(told), 1)]; len(told) == 0 && err != nil {
			refused.evidence = []string{err.Error()}
		}
		return refused
	}
	return &refusedError{reason: fmt.Sprintf("stable %s has %d %% of the traffic, not all of it: the weights were moved by hand. %s", stable.ID, weights[stable.Placement.Slot], remedy),
		evidence: []string{"weights: " + shares(weights)}}
}

// room asks for the place of the new release, beside what runs: its ports, and where its content is known already its disk.
func (s *stageWork) room(ctx context.Context, release service.Release) error {
	if problems := s.roomFor(ctx, release); len(problems) > 0 {
		return noPlace(release, problems)
	}
	return nil
}

// noPlace leads with what a person has to mend.
func noPlace(release service.Release, problems []string) error {
	return &refusedError{reason: fmt.Sprintf("%s. Until that is mended, %s cannot be placed", strings.TrimSuffix(problems[0], "."), release.ID), evidence: problems[1:]}
}

func (s *stageWork) roomFor(ctx context.Context, release service.Release) []string {
	var leaving []service.Placement
	if stable := s.state().StableRelease(); stable != nil && s.interrupts() {
		for _, old := range s.astrayOf(*stable) { // It holds the only slot until it is stopped.
			leaving = append(leaving, old.Placement)
		}
	}
	found := s.adapters.Platform.Room(ctx, release, s.otherSlot(), leaving...)
	texts := make([]string, len(found))
	for i, p := range found {
		texts[i] = p.Detail
	}
	return texts
}

// required asks for configuration, credentials and other services.
func (s *stageWork) required(ctx context.Context, spec PreflightSpec) error {
	if spec.Content != nil {
		if err := s.contentReady(*spec.Content, spec.RequireConfig); err != nil {
			return err
		}
	}
	ids := make([]string, 0, len(spec.RequireServices))
	for id := range spec.RequireServices {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		if err := s.procedure.serviceAt(ctx, id, spec.RequireServices[id]); err != nil {
			return err
		}
	}
	return nil
}

// contentReady asks whether a content has the configuration that it must, and whether it could be started.
func (s *stageWork) contentReady(c service.Content, keys []string) error {
	for _, key := range keys {
		if _, found := c.Config[key]; !found {
			return &refusedError{reason: fmt.Sprintf("%s has no %s in its config, which the preflight requires", s.request.Release, key)}
		}
	}
	if err := s.startable(c); err != nil {
		return &refusedError{reason: fmt.Sprintf("%s cannot be started: %s", s.request.Release, err)}
	}
	return nil
}

// serviceAt asks whether another service runs a version that satisfies a constraint.
func (p *Procedure) serviceAt(ctx context.Context, id, constraint string) error {
	other, err := service.ParseID(id)
	if err != nil {
		return &refusedError{reason: err.Error()}
	}
	wanted, err := goversion.NewConstraint(constraint)
	if err != nil {
		return &refusedError{reason: fmt.Sprintf("%q is not a constraint on versions: write \">= 2.3.0\"", constraint)}
	}
	view, err := ledger.Open(p.run.store, other).Read(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger of %s: %w", other, err)
	}
	if view.State.Stable == "" {
		return &refusedError{reason: fmt.Sprintf("%s %s is required, and no release of it is stable", other, constraint)}
	}
	running, err := goversion.NewVersion(view.State.Stable.Version())
	if err != nil {
		return &refusedError{reason: fmt.Sprintf("%s %s is required, and its version %s cannot be compared", other, constraint, view.State.Stable.Version())}
	}
	if !wanted.Check(running) {
		return &refusedError{reason: fmt.Sprintf("%s %s is required, and it runs %s", other, constraint, running)}
	}
	return nil
}

// preflightChecks runs the checks against stable: they are of the environment, the candidate is not there yet.
func (s *stageWork) preflightChecks(ctx context.Context, spec PreflightSpec, skipped func(string) bool) error {
	if skipped("checks") {
		return nil
	}
	checks := map[string]service.Check{}
	for name, check := range spec.Checks {
		if !skipped(name) {
			checks[name] = check
		}
	}
	target := service.Release{ID: s.request.Release}
	if stable := s.state().StableRelease(); stable != nil {
		target = *stable
	} else {
		maps.DeleteFunc(checks, func(name string, c service.Check) bool {
			if c.AsksInstances() {
				s.warn("Check Skipped", fmt.Sprintf("The preflight's check %s asks the service's instances, and before its first release there are none.", name))
			}
			return c.AsksInstances()
		})
	}
	failed, err := s.runChecks(ctx, checks, target)
	if err != nil {
		return err
	}
	if failed != nil {
		return &refusedError{reason: failed.reason, evidence: failed.evidence}
	}
	return nil
}
