package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// These bound the waits.
const (
	// patience is how long nothing may arrive at the machine before an installation gives up.
	patience = 2 * time.Minute
	// working is how long a machine may take to digest and unpack.
	working = 30 * time.Minute
	// The waits between attempts grow from the one to the other.
	firstWait, lastWait = 100 * time.Millisecond, 5 * time.Second
)

// spare is how much room a machine is to have beyond the files: for what each of them takes beside its bytes.
const (
	spare      = 1 << 20
	spareEntry = 4 << 10
)

// installation is one Install.
type installation struct {
	machine   Machine
	request   Request
	variables variables
	report    Report

	// met: the machine answered once. Before that a failure is not waited for: it may be the address or the key.
	met bool
	// arrived is the most that the machine had of the artifact; progress is when that grew last.
	arrived  int64
	progress time.Time
	wait     time.Duration
	// wrong is what arrived in place of the artifact, once.
	wrong string
	// last is why the last attempt did not succeed.
	last error
	// begun is when the first byte was sent.
	begun time.Time
	// needed is the room that the release needs on the machine, in bytes.
	needed int64
}

func newInstallation(m Machine, r Request) (*installation, error) {
	v, err := r.variables()
	return &installation{machine: m, request: r, variables: v, progress: time.Now(), wait: firstWait}, err
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
		if time.Since(i.progress) > patience {
			return fmt.Errorf("nothing has arrived for %v: %w", patience, i.last)
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
	contents, err := known.of(ctx, i.request.Artifact.Path, i.request.Artifact.Digest, i.request.Limits)
	if errors.Is(err, fs.ErrNotExist) {
		return false, final{absent(i.machine, i.request, err)}
	}
	if err != nil {
		return false, final{err}
	}
	if err := i.suits(there, contents, offset); err != nil {
		return false, final{err}
	}
	there, err = i.send(ctx, min(offset, contents.Size), contents.Size)
	if err == nil {
		done, err = i.outcome(there)
	}
	i.report.Upload = time.Since(i.begun) - i.report.Check - i.report.Unpack
	return done, err
}

// ask runs a script of an installation.
func (i *installation) ask(ctx context.Context, script string) (answers, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, working, fmt.Errorf("%s is not done after %v", i.machine, working))
	defer cancel()
	return ask(ctx, i.machine, i.script(script), nil)
}

func (i *installation) script(script string) string {
	return i.variables.script(commonScript, architectureFunctions(), filesScript, script)
}

// note takes down how much the machine has.
func (i *installation) note(arrived int64) {
	if arrived > i.arrived {
		i.arrived, i.progress, i.wait = arrived, time.Now(), firstWait
	}
}

// suits tells whether the machine can take the artifact.
func (i *installation) suits(there answers, contents artifact.Contents, offset int64) error {
	if there.has("no-flock") {
		return fmt.Errorf("%s has no flock: install util-linux there", i.machine)
	}
	if contents.Zstd && !there.has("zstd") {
		return i.noZstd()
	}
	i.needed = max(contents.Size-offset, 0) + contents.Bytes + int64(contents.Entries)*spareEntry + spare
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

// outcome is what a script came to. Neither done nor an error: it is to be looked at again.
func (i *installation) outcome(a answers) (done bool, err error) {
	i.report.Check += a.took("checked")
	i.report.Unpack += a.took("unpacked")
	program := i.request.Program
	switch {
	case a.has("installed"):
		return true, nil
	case a.has("busy"):
		i.note(a.number("busy"))
		i.last = errors.New("another run is bringing the same artifact there and does not get on")
	case a.has("again") && i.last == nil:
		i.last = errors.New("another run is at work there")
	case a.has("full"):
		return false, final{i.full(a.number("full"))}
	case a.has("no-zstd"):
		return false, final{i.noZstd()}
	case a.has("wrong"):
		got := "sha256:" + a.word("wrong", 0)
		if i.wrong != "" {
			return false, final{fmt.Errorf("what arrives is not the artifact: it has the digest %s, then %s, not %s; "+
				"did %s change meanwhile, or does the disk of %s not keep what is written?", i.wrong, got, i.request.Artifact.Digest, i.request.Artifact.Path, i.machine)}
		}
		i.wrong, i.arrived, i.progress = got, 0, time.Now()
		i.last = fmt.Errorf("what arrived has the digest %s", got)
	case a.has("no-program"):
		return false, final{fmt.Errorf("the program %s is not among the release's files: is command[0] written as it is in the artifact?", program)}
	case a.has("not-executable"):
		return false, final{fmt.Errorf("the program %s is not executable: pack it with its mode, 0755", program)}
	case a.has("foreign"):
		return false, final{&ArchitectureError{Machine: i.machine.String(), Program: program, Got: a.word("foreign", 0), Want: a.word("foreign", 1)}}
	}
	return false, nil
}

// took is the time between two readings of /proc/uptime, in seconds.
func (a answers) took(key string) time.Duration {
	from, err := strconv.ParseFloat(a.word(key, 0), 64)
	if err != nil {
		return 0
	}
	to, err := strconv.ParseFloat(a.word(key, 1), 64)
	if err != nil {
		return 0
	}
	return time.Duration((to - from) * float64(time.Second))
}

// final is an error that another attempt does not help.
type final struct{ error }

// Unwrap gives the error itself.
func (f final) Unwrap() error { return f.error }
