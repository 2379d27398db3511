package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider"
)

// parent is the process that started this one.
type parent struct{ pid int }

func watchParent() parent { return parent{pid: os.Getppid()} }

// gone tells whether it has ended: orphans are given to another parent.
func (p parent) gone() bool { return os.Getppid() != p.pid }

// parentPoll is how often one looks. Nobody waits for the result.
const parentPoll = 500 * time.Millisecond

// endWithParent ends this process when its Terraform is gone and its work is done: killed, Terraform cannot say so.
// Requests end with it, so what was under way is restored first.
func endWithParent(p parent, lifetime *provider.Lifetime) {
	ticker := time.NewTicker(parentPoll)
	defer ticker.Stop()
	idle := 0
	for range ticker.C {
		if !p.gone() || lifetime.Busy() {
			idle = 0
			continue
		}
		// Twice, since between two stages nothing is under way for a moment.
		if idle++; idle < 2 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), orphanTimeout)
		if err := lifetime.Close(ctx, true); err != nil {
			fmt.Fprintln(os.Stderr, "[WARN] end the run:", err)
		}
		cancel()
		os.Exit(0)
	}
}
