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
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Exit codes of every command.
const (
	ExitDone    = 0
	ExitFailed  = 1
	ExitUsage   = 2
	ExitRefused = 3
)

// options are the flags that all commands share.
type options struct {
	store string
	json  bool
	yes   bool
	wait  time.Duration
	in    io.Reader
	out   io.Writer
	// remember reads what Terraform's state knows of a service.
	remember Remember
}

// Remember reads what a state, as `terraform state pull` prints it, knows of a service.
type Remember func(ctx context.Context, state []byte, id service.ID) (delivery.Remembered, error)

// Main runs an operator's command and returns its exit code.
func Main(version string, remember Remember, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := New(version, remember, os.Stdin, os.Stdout)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitDone
	}
	var refusal *delivery.Error
	if errors.As(err, &refusal) {
		fmt.Fprintf(os.Stderr, "\n%s\n\n%s\n", refusal.Summary, refusal.Detail())
		return ExitFailed
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	switch {
	case errors.Is(err, errNotConfirmed):
		return ExitRefused
	case errors.As(err, new(*usageError)):
		return ExitUsage
	}
	return ExitFailed
}

// usageError is a call that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// New builds the command tree.
func New(version string, remember Remember, in io.Reader, out io.Writer) *cobra.Command {
	o := &options{in: in, out: out, remember: remember}
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
	root.SetOut(out)
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

// storeURL is the flag, then the environment, then the default.
func (o *options) storeURL() string {
	if o.store != "" {
		return o.store
	}
	if url := os.Getenv("DEPLOY_STORE"); url != "" {
		return url
	}
	return connect.DefaultStore
}

// open names the ledger of a service.
func (o *options) open(ctx context.Context, id string) (*ledger.Ledger, error) {
	s, _, err := connect.Store(ctx, o.storeURL())
	if err != nil {
		return nil, err
	}
	return ledger.Open(s, service.ID(id)), nil
}

// known opens the ledger of a service that has one. For another the error lists those of the store.
func (o *options) known(ctx context.Context, id string) (*ledger.Ledger, error) {
	s, _, err := connect.Store(ctx, o.storeURL())
	if err != nil {
		return nil, err
	}
	l := ledger.Open(s, service.ID(id))
	view, err := l.Read(ctx)
	if err != nil {
		return nil, err
	}
	if view.State.Number > 0 {
		return l, nil
	}
	all, err := ledger.Services(ctx, s)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, known := range all {
		names[i] = string(known)
	}
	there := "it has no services"
	if len(names) > 0 {
		there = "its services are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("the store %s has no service %s: %s", s.URL(), id, there)
}

// operate does one thing on a service, under its lease, and gives the lease back.
func (o *options) operate(ctx context.Context, id, doing string, act func(context.Context, *delivery.Procedure) error) error {
	s, directory, err := connect.Store(ctx, o.storeURL())
	if err != nil {
		return err
	}
	terms := ledger.DefaultTerms
	terms.Wait = o.wait
	run := delivery.NewRun(s, connect.New(connect.Options{Store: s, Directory: directory}), ledger.ThisProcess(doing), terms)
	stop := context.AfterFunc(ctx, run.Cancel)
	defer stop()
	err = act(ctx, run.Service(service.ID(id)))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, run.Close(closing, false))
}
