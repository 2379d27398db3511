package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider"
)

const (
	address = "registry.terraform.io/progressive-delivery/deploy"
	// closeTimeout bounds the end of the runs: Terraform waits two seconds for a provider before it kills it.
	closeTimeout = 1500 * time.Millisecond
	// orphanTimeout bounds it where nobody waits any more.
	orphanTimeout = 30 * time.Second
)

// serve is the provider, until Terraform has no more use for it.
func serve(debug bool) int {
	lifetime := &provider.Lifetime{}
	stop := catchSignals(lifetime)
	defer stop()
	parent := watchParent()
	if !debug {
		go endWithParent(parent, lifetime)
	}
	err := providerserver.Serve(context.Background(), provider.New(version, lifetime), providerserver.ServeOpts{
		Address: address, Debug: debug, ProtocolVersion: 6,
	})
	orphaned := parent.gone()
	timeout := closeTimeout
	if orphaned {
		timeout = orphanTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if closing := lifetime.Close(ctx, orphaned); closing != nil {
		fmt.Fprintln(os.Stderr, "[WARN] end the run:", closing)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "[ERROR] serve the provider:", err)
		return 1
	}
	return 0
}

// catchSignals makes a request to end an interrupt: what is under way is restored, while the provider goes on serving,
// since Terraform still waits for answers. A broken pipe is caught as well: when Terraform was killed, the next line of
// a log would end this process in the middle of a restore. (Ignoring it would be inherited by the programs of releases.)
func catchSignals(lifetime *provider.Lifetime) (stop func()) {
	ends := make(chan os.Signal, 1)
	pipes := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGHUP)
	signal.Notify(pipes, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-ends:
				lifetime.Cancel()
			case <-pipes:
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(ends)
		signal.Stop(pipes)
		close(done)
	}
}
