//go:build linux

// Command ledger measures what history and numbers cost: reading a service's state after few and after many events, and a plan of
// many services beside the same plan of a provider that does nothing.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == standInArgument {
		if err := standIn(ctx, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.services, "services", 1000, "services that are planned")
	flag.IntVar(&o.events, "events", 100_000, "events of the long history")
	flag.IntVar(&o.repetitions, "repetitions", 3, "plans of each provider")
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.Parse()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-ledger:", err)
		os.Exit(1)
	}
}

type options struct {
	services, events, repetitions int
	root                          string
}

func (o options) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	o.root = root
	dir, err := os.MkdirTemp("", "bench-ledger")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Printf("Reading a ledger, on the local store, median of %d readings.\n", readings)
	results, err := reading(ctx, dir, 10, o.events)
	if err != nil {
		return err
	}
	fmt.Printf("Plans of %d services, 6 stages and the service each: %d resources. One service was applied; the others are its copies.\n", o.services, 7*o.services)
	planned, err := o.plans(ctx, dir)
	if err != nil {
		return err
	}
	results = append(results, planned...)
	fmt.Println()
	return errors.Join(
		result.Print(os.Stdout, results),
		result.Write(filepath.Join(o.root, "build", "bench", "ledger.json"), results))
}

// plans measures plans of the fleet with the provider, with one that does nothing, and of as many terraform_data.
func (o options) plans(ctx context.Context, dir string) ([]result.Result, error) {
	ours, err := o.build(ctx, dir, "deploy", ".")
	if err != nil {
		return nil, err
	}
	noop, err := o.build(ctx, dir, "noop", "./tools/bench/noop")
	if err != nil {
		return nil, err
	}
	app := filepath.Join(dir, "web")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", app, "./cmd/web") //nolint:gosec // ours
	build.Dir = filepath.Join(o.root, "tools", "demo")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the application: %w\n%s", err, out)
	}
	f := &fleet{dir: filepath.Join(dir, "fleet"), provider: ours, services: o.services}
	defer f.end()
	if err := f.make(ctx, app); err != nil {
		return nil, err
	}
	data, err := dataOnly(ctx, f, dir)
	if err != nil {
		return nil, err
	}
	subjects := []*subject{
		{title: "this provider", plugins: ours, dir: f.configuration()},
		{title: "a no-op provider on the same framework", plugins: noop, dir: f.configuration()},
		{title: "terraform_data, built into the CLI", plugins: ours, dir: data},
	}
	// Terraform checks the lock file's hashes: each provider has a directory of its own.
	subjects[1].dir = filepath.Join(dir, "noop-configuration")
	if err := copyConfiguration(ctx, f, subjects[1]); err != nil {
		return nil, err
	}
	if err := planning(ctx, f, subjects, o.repetitions); err != nil {
		return nil, err
	}
	var results []result.Result
	for _, s := range subjects {
		results = append(results, s.results()...)
	}
	ratio := subjects[0].median().Seconds() / subjects[1].median().Seconds()
	results = append(results, result.Lower("time of this provider's plan over the no-op provider's", ratio, "times").AtMost(1.5))
	requests, err := counted(ctx, f, filepath.Join(o.root, "build", "bin", "versitygw"))
	return append(results, requests...), err
}

// build makes a provider and a mirror with it.
func (o options) build(ctx context.Context, dir, title, pkg string) (plugins string, err error) {
	plugins, err = filepath.Abs(filepath.Join(dir, "plugins-"+title))
	if err != nil {
		return "", err
	}
	platform := runtime.GOOS + "_" + runtime.GOARCH
	out := filepath.Join(plugins, "registry.terraform.io/progressive-delivery/deploy/0.0.1", platform, "terraform-provider-deploy_v0.0.1")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", out, pkg) //nolint:gosec // ours
	build.Dir = o.root
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	mirror := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\ndisable_checkpoint = true\n", plugins)
	return plugins, writeFile(plugins+".rc", []byte(mirror))
}

// copyConfiguration gives another provider the same configuration and the same state.
func copyConfiguration(ctx context.Context, f *fleet, s *subject) error {
	state, err := os.ReadFile(filepath.Join(f.configuration(), "terraform.tfstate"))
	if err != nil {
		return err
	}
	if err := errors.Join(f.writeConfiguration(s.dir, f.services), writeFile(filepath.Join(s.dir, "terraform.tfstate"), state)); err != nil {
		return err
	}
	cmd := f.terraform(ctx, s.plugins, "init", "-input=false")
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("terraform init: %w\n%s", err, out)
	}
	return nil
}

// dataOnly makes as many terraform_data, each with an input of about the same size: applied once, and copied in the state, since
// Terraform itself needs half an hour to apply so many.
func dataOnly(ctx context.Context, f *fleet, dir string) (string, error) {
	configuration := filepath.Join(dir, "data")
	module := "variable \"name\" { type = string }\n"
	before := "var.name"
	for n := range 7 {
		module += fmt.Sprintf("\nresource \"terraform_data\" \"stage%d\" {\n  input = { release = %s, attempt = 1, weights = { blue = 100, green = 0 }, checks = { home = \"/\" } }\n}\n", n, before)
		before = fmt.Sprintf("terraform_data.stage%d.output.release", n)
	}
	root := func(services int) []byte {
		return fmt.Appendf(nil, "module \"service\" {\n  source   = \"./service\"\n  for_each = { for i in range(%d) : format(\"svc%%04d\", i) => i }\n  name     = each.key\n}\n", services)
	}
	main := filepath.Join(configuration, "main.tf")
	if err := errors.Join(writeFile(main, root(1)), writeFile(filepath.Join(configuration, "service", "main.tf"), []byte(module))); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"init", "-input=false"}, {"apply", "-auto-approve", "-input=false"}} {
		cmd := f.terraform(ctx, f.provider, args...)
		cmd.Dir = configuration
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("terraform %s of terraform_data: %w\n%s", args[0], err, tail(string(out), 4000))
		}
	}
	return configuration, errors.Join(
		copyState(filepath.Join(configuration, "terraform.tfstate"), f.services, func(first string, i int) (instance map[string]any, err error) {
			err = json.Unmarshal([]byte(strings.ReplaceAll(first, name(0), name(i))), &instance)
			return instance, err
		}),
		writeFile(main, root(f.services)))
}
