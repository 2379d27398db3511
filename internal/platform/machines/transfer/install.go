package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// bounds are those of the waits.
type bounds struct {
	// patience is how long nothing may arrive at the machine before an installation gives up.
	patience time.Duration
	// stalled is how long nothing may be taken from us before a connection counts as lost.
	stalled time.Duration
	// working is how long a machine may take to digest and unpack.
	working time.Duration
}

var usual = bounds{patience: 2 * time.Minute, stalled: 30 * time.Second, working: 30 * time.Minute}

// The waits between attempts grow from the one to the other.
const firstWait, lastWait = 100 * time.Millisecond, 5 * time.Second

// installation is one Install.
type installation struct {
	machine   Machine
	request   Request
	variables variables
	bounds    bounds
	report    Report

	// met: the machine answered once. Before that a failure is not waited for: it may be the address or the key.
	met bool
	// arrived is the most that the machine had of the artifact. failing is when the first attempt failed since that grew,
	// waiting when another run was first found to digest or unpack the artifact there; zero: none.
	arrived          int64
	failing, waiting time.Time
	wait             time.Duration
	// sent is the farthest byte of the artifact that was sent, of size.
	sent, size int64
	// wrong is what arrived in place of the artifact, once.
	wrong string
	// last is why the last attempt did not succeed.
	last error
	// begun is when the first byte was sent, worked what the machine had spent on digesting and unpacking by then.
	begun  time.Time
	worked time.Duration
	// needed is the room that the release needs on the machine, in bytes.
	needed int64
}

func newInstallation(m Machine, r Request) (*installation, error) {
	v, err := r.variables()
	i := &installation{machine: m, request: r, variables: v, bounds: usual, wait: firstWait}
	if r.Patience > 0 {
		i.bounds.patience = r.Patience
	}
	return i, err
}

// run looks at what the machine has and sends what is missing, until the release's files are there.
func (i *installation) run(ctx context.Context) error {
	for {
		done, err := i.attempt(ctx)
		switch {
		case done:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case err != nil && (!i.met || !lost(ctx, err)):
			if f, is := errors.AsType[final](err); is {
				return f.error
			}
			return err
		case err != nil:
			i.last = err
		}
		if err := i.enough(); err != nil {
			return err
		}
		timer := time.NewTimer(i.wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(context.Cause(ctx), i.last)
		}
		i.wait = min(2*i.wait, lastWait)
	}
}

// enough tells whether there is any use in another attempt.
func (i *installation) enough() error {
	if !i.waiting.IsZero() && time.Since(i.waiting) > i.bounds.working {
		return fmt.Errorf("another run works on the same artifact there, and is not done after %v", i.bounds.working)
	}
	if i.failing.IsZero() {
		i.failing = time.Now()
	}
	if time.Since(i.failing) > i.bounds.patience {
		return i.stalled()
	}
	return nil
}

// attempt goes once through all that is to be done. An error that is a lost connection, and neither done nor an error,
// ask for another one.
func (i *installation) attempt(ctx context.Context) (done bool, err error) {
	i.variables.values["effects"] = "yes"
	there, err := i.ask(ctx, lookScript)
	if err != nil {
		return false, err
	}
	i.met = true
	if done, err := i.outcome(there); done || err != nil || !there.has("absent") {
		return done, err
	}
	offset := there.number("absent")
	i.note(offset)
	contents, err := artifact.Examined(ctx, i.request.Artifact.Path, i.request.Artifact.Digest, i.variables.values["program"], i.request.Limits)
	if errors.Is(err, fs.ErrNotExist) {
		return false, final{absent(i.machine, i.request, err)}
	}
	if err != nil {
		return false, final{err}
	}
	if err := i.suits(there, contents, offset); err != nil {
		return false, final{err}
	}
	if i.begun.IsZero() {
		i.begun, i.worked = time.Now(), i.report.Check+i.report.Unpack
	}
	i.size = contents.Size
	there, err = i.send(ctx, min(offset, contents.Size), contents.Size)
	if err == nil {
		done, err = i.outcome(there)
	}
	i.report.Upload = time.Since(i.begun) - (i.report.Check + i.report.Unpack - i.worked)
	return done, err
}

// ask runs a script of an installation.
func (i *installation) ask(ctx context.Context, script string) (answers, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, i.bounds.working, notDone(i.bounds.working))
	defer cancel()
	there, err := ask(bounded, i.machine, i.script(script), nil)
	return there, givenUp(ctx, bounded, err)
}

func (i *installation) script(script string) string {
	return i.variables.script(commonScript, architectureFunctions(), filesScript, script)
}

// note takes down how much the machine has.
func (i *installation) note(arrived int64) {
	if arrived > i.arrived {
		i.arrived = arrived
		i.proceed()
	}
}

// proceed begins to wait anew: something happened.
func (i *installation) proceed() { i.failing, i.waiting, i.wait = time.Time{}, time.Time{}, firstWait }

// suits tells whether the machine can take the artifact.
func (i *installation) suits(there answers, contents artifact.Contents, offset int64) error {
	if there.has("no-flock") {
		return fmt.Errorf("%s has no flock: install util-linux there", i.machine)
	}
	if contents.Zstd && !there.has("zstd") {
		return i.noZstd()
	}
	// The machine looks at the program too, but only when all of it is there.
	if err := fits(i.machine, i.request, there, contents); err != nil {
		return err
	}
	i.needed = contents.Disk(contents.Size - offset)
	if free := there.number("free"); there.has("free") && free < i.needed {
		return i.full(free)
	}
	return nil
}

func (i *installation) full(free int64) error {
	return &FullError{Machine: i.machine.String(), Directory: i.request.Directory, Needed: i.needed, Free: free}
}

func (i *installation) noZstd() error {
	return fmt.Errorf("the artifact is packed with zstd, which %s does not have: install zstd there, or pack it as .tar.gz", i.machine)
}
