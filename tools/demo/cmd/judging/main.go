// Command judging measures, on this machine and with everything real, how long users get bad answers from a release that turns bad
// under traffic: until the provider has judged it and taken it out, and when the provider is killed in the middle of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/judging"
)

func main() {
	options := judging.Options{Out: os.Stdout}
	flag.StringVar(&options.Root, "root", "../..", "the repository")
	flag.IntVar(&options.Runs, "runs", 30, "runs of each setting")
	flag.IntVar(&options.Kills, "kills", 10, "runs in which the provider is killed, with the first of the settings")
	flag.IntVar(&options.History, "history", 60_000, "good requests that the stable release has answered before the first run of a setting")
	flag.DurationVar(&options.Idle, "idle", 10*time.Second, "how long the idle machine is measured")
	flag.DurationVar(&options.Limit, "limit", 2*time.Hour, "longest time for all of it")
	settings := flag.String("settings", "all", "what is measured, by name, with commas in between")
	flag.Parse()
	var err error
	if options.Settings, err = judging.Choose(*settings); err == nil {
		err = options.Validate()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err = judging.Run(ctx, options)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe benchmark failed:\n%v\n", err)
		os.Exit(1)
	}
}
