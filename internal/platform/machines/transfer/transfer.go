// Package transfer brings a release's artifact to a machine and installs its files there. The machine needs a POSIX shell
// on Linux, coreutils (sha256sum, stat, od, sync), flock, and tar; zstd for artifacts that are packed with it.
//
// Below the service's directory it keeps
//
//	artifacts/<sha256>/artifact          the artifact, once a digest, whole and checked
//	artifacts/<sha256>/artifact.partial  what has come of it so far; whoever appends to it holds a lock (flock) on it
//	artifacts/<sha256>/used-by/<label>   a file for each release that needs it
//	releases/<label>/                    a release's files, whole
//
// and what begins with a dot in them is unfinished, or about to be removed.
package transfer

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Machine is where files are brought to.
type Machine interface {
	// String is for people.
	String() string
	// Run runs a POSIX shell script with stdin and returns its standard output. A script that exits with another status
	// than 0 is a *secureshell.ExitError, or another error with a method ExitCode() int, as *exec.ExitError has it. Any other
	// error, while ctx lasts, is taken for a lost connection: what is done here can be done again.
	Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error)
}

// Request is a release whose files are to be on a machine.
type Request struct {
	// Artifact by its path on this machine, where it may be missing if the other has it already, and its digest.
	Artifact service.Reference
	// Limits of what it may unpack to.
	Limits artifact.Limits
	// Directory of the service on the machine, absolute. It is made when it is not there.
	Directory string
	// Release is whose files they are: they end up whole at <Directory>/releases/<label>, or not at all.
	Release service.ReleaseID
	// Program is the program that will be run, when it is one of the release's files ("./web"): it must be there, be
	// executable, and, where it is an ELF program, be one for the machine's architecture. Empty: not looked at.
	Program string
	// ForAll: the release's files may be read by all on the machine, and their directories and programs entered and executed, whatever modes they
	// were packed with. The program runs as another user than the one whom Run works as, and the two have no group in common that we know of.
	ForAll bool
	// Patience is how long nothing may arrive at the machine before Install gives up; zero: two minutes.
	Patience time.Duration
	// Guard is lines of shell that are run right before each effect on the machine, in a subshell that makes the effect
	// when it is a short one (a rename): a lock that they take, by a descriptor, is held through it and given back after.
	// Long effects, uploading and unpacking, go to names that nobody reads, and are not made under such a lock. Where an
	// effect must not be made they exit with another status than 0, which is then that of Run: its error is wrapped here.
	// Descriptors 7 and 8 are taken. What fails here itself exits with 1. Empty: nothing is asked.
	Guard string
}

// Report is what Install did, and how long it took.
type Report struct {
	// Uploaded is how many bytes were sent, those that were sent again among them; 0: the machine had the artifact.
	Uploaded int64
	// Resumed counts how often an upload went on from what the machine had.
	Resumed int
	// Upload is the time from the first byte sent to the last one arrived, with waits for a lost connection; Check that of
	// digesting what arrived and of writing it through to the disk; Unpack that of making the release's files of it.
	Upload, Check, Unpack time.Duration
}

// Install sees to it that the release's files are on the machine. A connection that is lost in the middle is waited for, and the upload
// goes on from what arrived, as it does when a run was killed and Install is called again; it gives up when ctx ends, or
// when nothing has arrived for the request's patience. It is safe for several at once, also from several machines.
// Errors: *artifact.DigestError, *artifact.EntryError and *artifact.ProgramError for an artifact that must not be sent, *AbsentError,
// *ArchitectureError, *FullError, the guard's, those of Run.
func Install(ctx context.Context, m Machine, r Request) (Report, error) {
	i, err := newInstallation(m, r)
	if err == nil {
		err = i.run(ctx)
	}
	if err != nil {
		return i.report, fmt.Errorf("bring %s to %s: %w", r.Release, m, err)
	}
	return i.report, nil
}

// Missing is how many bytes of the artifact Install would have to send, 0 if none. It changes nothing.
func Missing(ctx context.Context, m Machine, r Request) (int64, error) {
	n, err := missing(ctx, m, r)
	if err != nil {
		return 0, fmt.Errorf("see what %s has of %s: %w", m, r.Release, err)
	}
	return n, nil
}

func missing(ctx context.Context, m Machine, r Request) (int64, error) {
	there, _, err := look(ctx, m, r)
	if err != nil || there.has("installed") || there.has("whole") {
		return 0, err
	}
	info, err := os.Stat(r.Artifact.Path)
	if err != nil {
		return 0, absent(m, r, err)
	}
	return max(info.Size()-there.number("absent"), 0), nil
}
