package judging

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/figures"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

// bench is one execution of the benchmark.
type bench struct {
	options  Options
	workshop *workshop.Workshop
	programs programs
	// idle and busy are how late things were on this machine.
	idle idleness
	busy figures.Sample

	outcomes []Outcome
}

// programs are the paths of what is run.
type programs struct {
	provider, caddy, web string
	// prometheus is empty where no setting needs it.
	prometheus string
	cli        terraform.Found
	// mirror is the directory that the CLI runs the provider from, configuration the CLI's own that says so.
	mirror, configuration string
}

// leavingLimit is how long processes that were told to end may take.
const leavingLimit = 10 * time.Second

// Run measures, prints a table and writes build/bench/analysis-live.json. The error says what kept it from measuring, and which runs
// did not come out as they must.
func Run(ctx context.Context, options Options) (err error) {
	b := &bench{options: options}
	if b.workshop, err = workshop.Open(options.Root, "judging", b.say); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.workshop.Close()) }()
	ctx, cancel := context.WithTimeoutCause(ctx, options.Limit, fmt.Errorf("the benchmark takes longer than %s", options.Limit))
	defer cancel()
	measured := b.measure(ctx)
	if cause := context.Cause(ctx); measured != nil && cause != nil {
		measured = fmt.Errorf("%w: %w", cause, measured)
	}
	swept := b.workshop.Sweep(leavingLimit, b.say)
	return errors.Join(measured, swept, b.report(measured == nil))
}

func (b *bench) measure(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for i, s := range b.options.Settings {
		kills := 0
		if i == 0 {
			kills = b.options.Kills
		}
		if err := b.setting(ctx, s, kills, i == 0); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// prepare finds, takes and builds the programs.
func (b *bench) prepare(ctx context.Context) error {
	var errs [4]error
	b.programs.provider, errs[0] = b.workshop.Link("terraform-provider-deploy", "build")
	b.programs.caddy, errs[1] = b.workshop.Link("caddy", "caddy")
	b.programs.web, errs[2] = b.workshop.Build(ctx, "web", filepath.Join("tools", "demo"), "./cmd/web")
	for _, s := range b.options.Settings {
		if s.Scrapes > 0 {
			b.programs.prometheus, errs[3] = prometheus.Find()
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	var err error
	if b.programs.cli, err = terraform.Find(ctx, b.workshop.Bin(), b.say); err != nil {
		return err
	}
	if b.programs.mirror, err = b.workshop.Make("plugins"); err != nil {
		return err
	}
	b.programs.configuration, err = terraform.Install(b.programs.cli, b.programs.provider, b.programs.mirror)
	return err
}

// setting measures one setting in a world of its own, and the kills in the same.
func (b *bench) setting(ctx context.Context, s Setting, kills int, idle bool) (err error) {
	b.say("\n── %s: %s", s.Name, s.about())
	w, err := b.open(ctx, s)
	if w != nil {
		// What was started is ended also when the time is up, or the person has pressed Ctrl-C.
		defer func() { err = errors.Join(err, w.close(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return err
	}
	if idle {
		if b.idle, err = w.measureIdle(ctx, b.options.Idle); err != nil {
			return err
		}
	}
	meter := startMeter(ctx)
	defer func() { b.busy = append(b.busy, milliseconds(meter.Stop())...) }()
	n := 0
	for range b.options.Runs {
		n++
		if _, err := b.run(ctx, w.judged, n); err != nil {
			return err
		}
	}
	for range kills {
		for range killTries {
			n++
			if o, err := b.run(ctx, w.killed, n); err != nil {
				return err
			} else if !o.Late {
				break
			}
		}
	}
	return nil
}

// killTries is how often one kill is tried until it comes before the judge.
const killTries = 3

func (b *bench) run(ctx context.Context, run func(context.Context, int) (Outcome, error), n int) (Outcome, error) {
	o, err := run(ctx, n)
	if err != nil {
		return o, fmt.Errorf("run %d: %w", n, err)
	}
	b.say("  %s", o)
	b.outcomes = append(b.outcomes, o)
	return o, nil
}

// say tells a line.
func (b *bench) say(format string, values ...any) {
	// Who closes our output does not want to read on; the figures are still written.
	_, _ = fmt.Fprintf(b.options.Out, format+"\n", values...)
}
