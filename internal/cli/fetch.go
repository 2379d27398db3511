package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/backup"
)

// fetch is a line of the restore procedure that a checkpoint writes where its store is not a disk.
func (o *options) fetch() *cobra.Command {
	return &cobra.Command{
		Use: "fetch BACKUP DIRECTORY", Short: "Write a checkpoint's backup from the store into a new directory, as its restore procedure says",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{errors.New("name a backup, as a checkpoint's restore_procedure does, and a directory")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, directory, err := o.openStore(cmd.Context())
			if err != nil {
				return err
			}
			if directory != "" {
				return &usageError{fmt.Errorf("the store %s is a disk: the backup lies there as it is", s.URL())}
			}
			if err := backup.Fetch(cmd.Context(), s, args[0], args[1]); err != nil {
				return err
			}
			return o.print(result{Done: "fetched into " + args[1]})
		},
	}
}
