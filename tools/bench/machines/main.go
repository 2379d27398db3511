//go:build linux

// Command machines measures releases on real machines, three Debian hosts with systemd behind two of HAProxy, each booted in
// systemd-nspawn: what users lose while they are made, how long they take beside the same made by hand, how long one change of the
// weights takes, and an upload beside scp.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-machines:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err = o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-machines:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("the benchmark takes longer than %s", o.limit))
	defer cancel()
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	w, err := open(ctx, o)
	if w != nil {
		defer func() { err = errors.Join(err, w.close()) }()
	}
	if err != nil {
		return err
	}
	// What was measured before something went wrong is worth reading all the same.
	measured := w.measure(ctx)
	if cause := context.Cause(ctx); measured != nil && cause != nil {
		measured = fmt.Errorf("%w: %w", cause, measured)
	}
	fmt.Println()
	errs := []error{measured, result.Print(os.Stdout, w.results)}
	if measured == nil {
		errs = append(errs, result.Write(filepath.Join(o.root, "build", "bench", "machines.json"), w.results))
	}
	return errors.Join(append(errs, w.wrong...)...)
}

func (w *world) measure(ctx context.Context) error {
	for _, rate := range w.options.rates {
		if err := w.losses(ctx, rate); err != nil {
			return fmt.Errorf("%d requests a second: %w", rate, err)
		}
	}
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{{"by hand", w.byHand}, {"weights", w.weights}, {"upload", w.upload}} {
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
