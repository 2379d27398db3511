package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// lookTime bounds a look at a machine.
const lookTime = 30 * time.Second

// Room tells whether the machine has the room that Install would ask for, and can run the program: nil, a *FullError, an
// *ArchitectureError or an *artifact.ProgramError. It changes nothing. It reads all of the artifact, once in a process that calls Install later. Of an artifact that is
// not here nothing is known. Other errors are those of Run, and *artifact.DigestError and *artifact.EntryError for an artifact that must not
// be sent.
func Room(ctx context.Context, m Machine, r Request) error {
	if err := room(ctx, m, r); err != nil {
		return fmt.Errorf("see what room %s has for %s: %w", m, r.Release, err)
	}
	return nil
}

func room(ctx context.Context, m Machine, r Request) error {
	there, v, err := look(ctx, m, r)
	if err != nil || there.has("installed") || !there.has("free") {
		return err
	}
	contents, err := artifact.Examined(ctx, r.Artifact.Path, r.Artifact.Digest, v.values["program"], r.Limits)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := fits(m, r, there, contents); err != nil {
		return err
	}
	missing := contents.Size - there.number("absent")
	if there.has("whole") {
		missing = 0
	}
	if needed, free := contents.Disk(missing), there.number("free"); free < needed {
		return &FullError{Machine: m.String(), Directory: r.Directory, Needed: needed, Free: free}
	}
	return nil
}

// look asks what is there, and changes nothing.
func look(ctx context.Context, m Machine, r Request) (answers, variables, error) {
	v, err := r.variables()
	if err != nil {
		return nil, v, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookTime, notDone(lookTime))
	defer cancel()
	v.values["effects"] = "no"
	there, err := ask(ctx, m, v.script(commonScript, architectureFunctions(), filesScript, lookScript), nil)
	return there, v, err
}
