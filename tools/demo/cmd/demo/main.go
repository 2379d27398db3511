// Command demo plays the provider's story on this machine: real Terraform, real processes, real Caddy, real traffic,
// good releases and bad ones. It needs Go; Terraform or OpenTofu is fetched where there is none. With -machines it plays it on three
// Debian hosts behind two HAProxy, which are booted for it: that needs root, and what .ci/components and .ci/machines make.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/onemachine"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/story"
)

func main() {
	options := story.Options{Out: os.Stdout}
	flag.StringVar(&options.Root, "root", "../..", "the repository")
	flag.IntVar(&options.Rate, "rate", 200, "requests a second of the client")
	flag.DurationVar(&options.BuildLimit, "build-limit", 20*time.Minute, "longest time for the builds")
	flag.DurationVar(&options.Limit, "limit", 0, "longest time for the story (default 6m, with -machines 15m)")
	onMachines := flag.Bool("machines", false, "play it on three Debian hosts and two HAProxy")
	flag.Parse()
	if options.Rate < 1 || options.Rate > 10_000 {
		fmt.Fprintln(os.Stderr, "-rate must be from 1 to 10000")
		os.Exit(2)
	}
	if *onMachines {
		playOnMachines(&options)
	} else {
		playHere(&options)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := story.Run(ctx, options)
	stop()
	if errors.Is(err, story.ErrUnavailable) && os.Getenv("CI") != "true" {
		fmt.Fprintf(os.Stderr, "the demo is skipped: %v\n", err)
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed:\n%v\n", err)
		os.Exit(1)
	}
}

func playHere(o *story.Options) {
	o.Name, o.Chapters, o.Place = "demo", story.Chapters, &onemachine.Place{}
	o.Limit = orElse(o.Limit, 6*time.Minute)
}

func playOnMachines(o *story.Options) {
	o.Name, o.Chapters = "demo-machines", slices.Concat(story.Chapters, story.OnMachines)
	o.Limit = orElse(o.Limit, 15*time.Minute)
	o.Place = &machines.Place{Limit: o.Limit + story.EndLimit}
}

func orElse(limit, usual time.Duration) time.Duration {
	if limit == 0 {
		return usual
	}
	return limit
}
