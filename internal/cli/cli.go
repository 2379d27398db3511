// Package cli is the operator's commands, for the person on call. They work from the service's definition in the ledger
// and the named credentials; they need neither Terraform nor the HCL.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Exit codes of every command.
const (
	ExitDone    = 0
	ExitFailed  = 1
	ExitUsage   = 2
	ExitRefused = 3
)

// options are the flags that all commands share, and the streams of the process: results go to out, all else that is said to errs.
type options struct {
	store string
	json  bool
	yes   bool
	wait  time.Duration
	in    io.Reader
	out   io.Writer
	errs  io.Writer
	// remember reads what Terraform's state knows of a service.
	remember Remember
}

// Remember reads what a state, as `terraform state pull` prints it, knows of a service.
type Remember func(ctx context.Context, state []byte, id service.ID) (delivery.Remembered, error)

// Main runs an operator's command and returns its exit code.
func Main(version string, remember Remember, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return (&options{in: os.Stdin, out: os.Stdout, errs: os.Stderr, remember: remember}).run(ctx, version, args)
}

// run is Main on the options' streams.
func (o *options) run(ctx context.Context, version string, args []string) int {
	root := o.root(version) //nolint:contextcheck // commands get it when they are executed
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitDone
	}
	// Where the flags were not understood, theirs may be among those that were not read.
	o.json = o.json || slices.Contains(args, "--json")
	return o.fail(err)
}

// root builds the command tree.
func (o *options) root(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "terraform-provider-deploy",
		Short: "Software deployments as Terraform resources: operator commands",
		Long: `This is the Terraform provider "deploy" (progressive-delivery/deploy). Terraform starts it by itself;
run by a person it has commands for the one on call. They read the same store and need no Terraform.

Exit codes: 0 done · 1 failed · 2 not understood · 3 not confirmed`,
		Version: version, SilenceUsage: true, SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("there is no command %q: run without arguments to see them", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(o.out)
	root.SetErr(o.errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&o.store, "store", "", "where the ledgers lie (DEPLOY_STORE; default "+connect.DefaultStore+")")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	flags.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for a run that is at work on the service")
	root.AddCommand(o.history(), o.watch(), o.report(), o.recover(), o.rollback(), o.unhold(), o.accept(), o.restore(), o.adopt(), o.fetch())
	return root
}

// serviceArgument reads the one argument of a command.
func serviceArgument(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{errors.New("name one service, such as production/web")}
	}
	if _, err := service.ParseID(args[0]); err != nil {
		return &usageError{err}
	}
	return nil
}
