package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func (o *options) restore() *cobra.Command {
	var data bool
	var reason string
	cmd := &cobra.Command{
		Use: "restore SERVICE CHECKPOINT", Short: "Bring back what a checkpoint recorded: its release, and with --data its data",
		Long: `Bring back what a checkpoint recorded: its release gets all of the traffic at once, and with --data its data is put back.
What is taken out is held.

CHECKPOINT is an id as deploy_checkpoint exports it, or the number of its attempt, as history prints it.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{errors.New("name a service, and one of its checkpoints: production/web production/web/1.8.2-5c1f9e0b/checkpoint")}
			}
			return serviceArgument(cmd, args[:1])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.operate(cmd.Context(), args[0], "restore", func(ctx context.Context, s *session) error {
				plan, err := s.p.RestorePlan(ctx, args[1], data)
				if err != nil {
					return err
				}
				if err := s.ask(ctx, "Restore %s to checkpoint %s: %s", args[0], args[1], plan); err != nil {
					return err
				}
				done, err := s.p.RestoreCheckpoint(ctx, args[1], data, reason)
				if err != nil {
					return err
				}
				return s.print(result{Service: args[0], Done: done})
			})
		},
	}
	cmd.Flags().BoolVar(&data, "data", false, "put back the checkpoint's data too: what was written since is lost")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}
