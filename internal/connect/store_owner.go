package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// foreign tells why the superuser may not write into another user's store, nil where it may: what it writes, readable by itself alone, that user could not read any
// more, and what it starts would run as root. Reading harms nobody. A directory that is not there yet belongs to nobody.
func foreign(root string, euid int) error {
	if euid != 0 {
		return nil
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil //nolint:nilerr // what is wrong with it is said by whoever reads or writes it
	}
	owner, known := ownerOf(info)
	if !known || owner == 0 {
		return nil
	}
	name := nameOf(owner)
	return fmt.Errorf("it belongs to user %s, and this runs as root: what root writes there %s could not read any more, and releases would run as root. "+
		"Nothing was touched. Run it as %s: %s …; or, where all that uses the store runs as root, give it to root: chown -R root %s",
		name, name, name, sudo(owner), root)
}

// nameOf is a user's name, or its number where it has none here.
func nameOf(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

// sudo begins a command line as that user.
func sudo(uid uint32) string {
	name := nameOf(uid)
	if name == strconv.FormatUint(uint64(uid), 10) {
		name = `'#` + name + `'` // as sudo takes numbers
	}
	return "sudo -u " + name
}

// owned is a store on a disk whose errors of missing rights say who has them.
type owned struct {
	store.Store
	root string
	euid int
	// readOnly is why nothing is written, nil where it is.
	readOnly error
}

// writing is what a write comes to, unless it may not be tried.
func (o owned) writing(write func() error) error {
	if o.readOnly != nil {
		return o.readOnly
	}
	return o.denied(write())
}

// denied says whose a file is that may not be used, and what to do.
func (o owned) denied(err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	path := o.root
	var at *fs.PathError
	if errors.As(err, &at) && filepath.IsAbs(at.Path) {
		path = at.Path
	}
	// Below a directory that is closed nothing can be asked for.
	info, statErr := os.Stat(path)
	for ; statErr != nil && path != filepath.Dir(path); info, statErr = os.Stat(path) {
		path = filepath.Dir(path)
	}
	if statErr != nil {
		return err
	}
	owner, known := ownerOf(info)
	if !known {
		return err
	}
	self := nameOf(uint32(o.euid)) // #nosec G115 -- where owners are known, users have numbers that fit.
	next := fmt.Sprintf("give all of the store back to %s: sudo chown -R %s %s", self, self, o.root)
	if whole, err := os.Stat(o.root); err == nil {
		if theirs, _ := ownerOf(whole); int(theirs) != o.euid {
			next = fmt.Sprintf("run it as %s (%s …), or give all of the store to %s: sudo chown -R %s %s", nameOf(theirs), sudo(theirs), self, self, o.root)
		}
	}
	return fmt.Errorf("%w. %s belongs to user %s, and this runs as %s: %s", err, path, nameOf(owner), self, next)
}

// Create implements store.Store.
func (o owned) Create(ctx context.Context, key string, data []byte) error {
	return o.writing(func() error { return o.Store.Create(ctx, key, data) })
}

// Put implements store.Store.
func (o owned) Put(ctx context.Context, key string, data []byte) error {
	return o.writing(func() error { return o.Store.Put(ctx, key, data) })
}

// Get implements store.Store.
func (o owned) Get(ctx context.Context, key string) (store.Object, error) {
	object, err := o.Store.Get(ctx, key)
	return object, o.denied(err)
}

// List implements store.Store.
func (o owned) List(ctx context.Context, prefix string) ([]string, error) {
	keys, err := o.Store.List(ctx, prefix)
	return keys, o.denied(err)
}

// Delete implements store.Store.
func (o owned) Delete(ctx context.Context, key string) error {
	return o.writing(func() error { return o.Store.Delete(ctx, key) })
}

// Upload implements store.Store.
func (o owned) Upload(ctx context.Context, key string, r io.Reader) error {
	return o.writing(func() error { return o.Store.Upload(ctx, key, r) })
}

// Open implements store.Store.
func (o owned) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	stream, err := o.Store.Open(ctx, key)
	return stream, o.denied(err)
}
