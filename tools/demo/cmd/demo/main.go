// Command demo plays the provider's story on this machine: real Terraform, real processes, real Caddy, real traffic,
// good releases and bad ones. It needs Go; Terraform or OpenTofu is fetched where there is none.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/story"
)

func main() {
	options := story.Options{Out: os.Stdout}
	flag.StringVar(&options.Root, "root", "../..", "the repository")
	flag.IntVar(&options.Rate, "rate", 200, "requests a second of the client")
	flag.DurationVar(&options.BuildLimit, "build-limit", 20*time.Minute, "longest time for the builds")
	flag.DurationVar(&options.Limit, "limit", 6*time.Minute, "longest time for the story")
	flag.Parse()
	if options.Rate < 1 || options.Rate > 10_000 {
		fmt.Fprintln(os.Stderr, "-rate must be from 1 to 10000")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := story.Run(ctx, options)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed:\n%v\n", err)
		os.Exit(1)
	}
}
