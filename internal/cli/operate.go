package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func (o *options) rollback() *cobra.Command {
	var to, reason string
	cmd := &cobra.Command{
		Use: "rollback SERVICE", Short: "Give the traffic back to the release before, at once", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := releaseFlag(to); err != nil {
				return err
			}
			return o.operate(cmd.Context(), args[0], "rollback", func(ctx context.Context, s *session) error {
				plan, err := s.p.RollbackPlan(ctx, service.ReleaseID(to))
				if err != nil {
					return err
				}
				if err := s.ask(ctx, "Roll %s back: %s", args[0], plan); err != nil {
					return err
				}
				done, err := s.p.Rollback(ctx, service.ReleaseID(to), reason)
				if err != nil {
					return err
				}
				return s.print(result{Service: args[0], Done: done})
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the release to go back to; default: the one before")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

// releaseFlag checks what may name a release.
func releaseFlag(written string) error {
	if written == "" {
		return nil
	}
	if _, err := service.ParseReleaseID(written); err != nil {
		return &usageError{err}
	}
	return nil
}

func (o *options) unhold() *cobra.Command {
	var release string
	cmd := &cobra.Command{
		Use: "unhold SERVICE", Short: "Let a held release be introduced again", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := releaseFlag(release); err != nil {
				return err
			}
			return o.operate(cmd.Context(), args[0], "unhold", func(ctx context.Context, s *session) error {
				held, err := s.held(service.ReleaseID(release))
				if err != nil {
					return err
				}
				if len(held) == 0 {
					return s.print(result{Service: args[0], Done: "no release was held"})
				}
				if err := s.ask(ctx, "Unhold %s: the next apply may introduce %s again", args[0], heldOf(held)); err != nil {
					return err
				}
				unheld, err := s.p.Unhold(ctx, service.ReleaseID(release))
				if err != nil {
					return err
				}
				names := make([]string, len(unheld))
				for i, u := range unheld {
					names[i] = string(u)
				}
				done := "no release was held any more"
				if len(names) > 0 {
					done = "no longer held: " + strings.Join(names, ", ")
				}
				return s.print(result{Service: args[0], Done: done})
			})
		},
	}
	cmd.Flags().StringVar(&release, "release", "", "one release; default: all that are held")
	return cmd
}

// held are the releases that an unhold of release, or of all, is about. One that is not held is an error.
func (s *session) held(release service.ReleaseID) (map[service.ReleaseID]string, error) {
	all := s.view.State.Held
	if release == "" {
		return all, nil
	}
	reason, found := all[release]
	if found {
		return map[service.ReleaseID]string{release: reason}, nil
	}
	there := "none is"
	if len(all) > 0 {
		there = "held are " + heldOf(all)
	}
	return nil, &delivery.Error{
		Summary: "Release Not Held", What: fmt.Sprintf("%s of %s is not held: %s. Nothing was changed", release, s.id, there),
		Next: "Name one that is held, or none for all of them.",
	}
}

func (o *options) accept() *cobra.Command {
	return &cobra.Command{
		Use: "accept SERVICE", Short: "Take the world as it is: the ledger says what runs, nothing is changed", Args: serviceArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.operate(cmd.Context(), args[0], "accept", func(ctx context.Context, s *session) error {
				plan, err := s.p.AcceptPlan(ctx)
				if err != nil {
					return err
				}
				if state := &s.view.State; state.OpenAttempt() == nil && state.Broken == nil {
					return s.print(result{Service: args[0], Done: plan})
				}
				if err := s.ask(ctx, "Accept %s as it is: %s", args[0], plan); err != nil {
					return err
				}
				done, err := s.p.Accept(ctx)
				if err != nil {
					return err
				}
				return s.print(result{Service: args[0], Done: done})
			})
		},
	}
}
