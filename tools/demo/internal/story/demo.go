package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

// Options of a demo.
type Options struct {
	// Name of the run: its directory below build.
	Name string
	// Root of the repository.
	Root string
	// Chapters that are told, in the Place where they happen.
	Chapters []Chapter
	Place    Place
	// Rate of the client, in requests a second.
	Rate int
	// BuildLimit bounds the builds, which take minutes on a fresh machine, and Limit the story itself.
	BuildLimit, Limit time.Duration
	// Out is where the story is told.
	Out io.Writer
}

// Demo is one run.
type Demo struct {
	options  Options
	out      *steadyWriter
	workshop *workshop.Workshop
	cli      *terraform.CLI
	// mirror is the directory that the CLI runs the provider from.
	mirror   string
	operator operator.Operator
	place    Place
	urls     []string
	log      *traffic.Log
	client   *traffic.Sending
	// events is the number of the last event of the ledger that a chapter has accounted for, records likewise for the
	// client's log.
	events, records int
	// standing is the version that runs since the last chapter that was played to its end; before that, the first one's.
	standing string

	summaries []Summary
	problems  []string
}

// Run plays the whole story. The error says what did not come out as it must, and is nil when all did.
func Run(ctx context.Context, options Options) (err error) {
	d := &Demo{options: options, place: options.Place, out: &steadyWriter{w: options.Out}}
	if d.workshop, err = workshop.Open(options.Root, options.Name, d.say); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.workshop.Close()) }()
	began := time.Now()
	if err := d.build(ctx); err != nil {
		return err
	}
	d.say("built in %.0f s; everything of this run is in %s", time.Since(began).Seconds(), d.workshop.Directory)
	ctx, cancel := context.WithTimeoutCause(ctx, options.Limit, fmt.Errorf("the demo takes longer than %s", options.Limit))
	defer cancel()
	played := d.play(ctx)
	if cause := context.Cause(ctx); played != nil && cause != nil {
		played = fmt.Errorf("%w: %w", cause, played)
	}
	// What was started is ended also when the time is up, or the person has pressed Ctrl-C.
	ended := d.end(context.WithoutCancel(ctx))
	reported := d.report()
	d.say("the demo took %.0f s", time.Since(began).Seconds())
	return errors.Join(played, ended, reported)
}

// play prepares the world and tells the chapters.
func (d *Demo) play(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if _, err := d.cli.Must(ctx, "init", "-no-color"); err != nil {
		return err
	}
	var err error
	if d.log, err = traffic.NewLog(filepath.Join(d.workshop.Directory, "client.jsonl")); err != nil {
		return err
	}
	d.client = traffic.NewClient(d.urls...).Send(ctx, d.options.Rate, d.log)
	d.standing = d.options.Chapters[0].Version
	for i, c := range d.options.Chapters {
		if err := d.chapter(ctx, i, c); err != nil {
			return fmt.Errorf("chapter %d, %s: %w", i+1, c.Name, err)
		}
	}
	return nil
}

// report prints the table and writes the summary.
func (d *Demo) report() error {
	var errs []error
	if len(d.summaries) > 0 {
		d.say("")
		errs = append(errs, Table(d.out, d.summaries))
	}
	path := filepath.Join(d.workshop.Directory, "summary.json")
	errs = append(errs, WriteSummary(path, d.summaries))
	d.say("\nwritten: %s", path)
	for _, p := range d.problems {
		errs = append(errs, errors.New(p))
	}
	return errors.Join(errs...)
}

// say tells a line of the story.
func (d *Demo) say(format string, values ...any) {
	// Who closes our output does not want to read on; the summary is still written.
	_, _ = fmt.Fprintf(d.out, format+"\n", values...)
}

// steadyWriter keeps lines of several writers whole.
type steadyWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *steadyWriter) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(data)
}
