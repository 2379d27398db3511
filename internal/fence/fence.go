// Package fence keeps a run that has lost its lease from changing the outside world: a lease is checked before a change is
// ordered, but a process may be suspended between the check and the change, and wake up when another one is at work.
//
// The epoch, which counts a ledger's leases, goes with each change to where it is made. Whoever makes the change compares it there
// with the highest one that was seen (Raise), and looks once more at the lease right before the effect (Check).
package fence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
)

// ErrStale says that a newer run is at work where something was to be changed. Nothing was.
var ErrStale = errors.New("the lease was lost: a newer run may be at work")

// Fence goes with a change.
type Fence struct {
	// Ledger tells the epochs of one ledger from another's, which took its place. Epoch is that of the lease.
	Ledger string
	Epoch  int
	// Valid tells whether the lease still allows the change.
	Valid func() bool `json:"-"`
}

type key struct{}

// With has ctx carry the fence of a change.
func With(ctx context.Context, f Fence) context.Context { return context.WithValue(ctx, key{}, f) }

// From is the fence that ctx carries; found is false where nobody set one.
func From(ctx context.Context) (f Fence, found bool) {
	f, found = ctx.Value(key{}).(Fence)
	return f, found
}

// Check is the last thing before the effect of a change, which what names. ErrStale: it must not be made.
func Check(ctx context.Context, what string) error {
	if f, found := From(ctx); found && f.Valid != nil && !f.Valid() {
		return fmt.Errorf("%s: %w", what, ErrStale)
	}
	crashpoint.Reach("in " + what)
	return nil
}

// Raise notes the epoch of ctx's fence in a file at the target. ErrStale: a newer one is noted already. Without a fence it does
// nothing. It is safe against a kill; two at once are told apart by Check.
func Raise(ctx context.Context, path string) error {
	f, found := From(ctx)
	if !found {
		return nil
	}
	noted, err := read(path)
	if err != nil {
		return err
	}
	switch {
	case noted.Ledger == f.Ledger && noted.Epoch > f.Epoch:
		return fmt.Errorf("epoch %d of this run, epoch %d in %s: %w", f.Epoch, noted.Epoch, path, ErrStale)
	case noted.Ledger == f.Ledger && noted.Epoch == f.Epoch:
		return nil
	}
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), f.Epoch))
	if err := os.WriteFile(temporary, []byte(f.String()+"\n"), 0o644); err != nil { //nolint:gosec // no secret
		return fmt.Errorf("note the epoch: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("note the epoch: %w", err)
	}
	return nil
}

// Newer tells whether path notes a newer epoch of the same ledger than f's.
func (f Fence) Newer(path string) (bool, error) {
	noted, err := read(path)
	return err == nil && noted.Ledger == f.Ledger && noted.Epoch > f.Epoch, err
}

// String is what a file notes.
func (f Fence) String() string { return fmt.Sprintf("%d %s", f.Epoch, f.Ledger) }

// read is zero where nothing is noted, or nothing that can be read: then the next change notes it anew.
func read(path string) (f Fence, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // a file of ours
	if errors.Is(err, fs.ErrNotExist) {
		return Fence{}, nil
	}
	if err != nil {
		return Fence{}, fmt.Errorf("read the epoch: %w", err)
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(data)), "%d %s", &f.Epoch, &f.Ledger); err != nil {
		return Fence{}, nil //nolint:nilerr // garbage notes nothing
	}
	return f, nil
}
