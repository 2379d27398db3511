package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/account"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
)

// foreign tells why the superuser may not write into another user's store, nil where it may: what it writes, readable by itself alone,
// that user could not read any more, and what it starts would run as root. Reading harms nobody. A directory that is not there yet
// belongs to nobody.
func foreign(root string, euid int) error {
	if euid != 0 {
		return nil
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil //nolint:nilerr // what is wrong with it is said by whoever reads or writes it
	}
	owner, _, known := ownerOf(info)
	if !known || owner == 0 || local.Shared(info) { // a group reads what root writes, and platforms look themselves whose a release is
		return nil
	}
	name := account.User(owner)
	return fmt.Errorf("it belongs to user %s, and this runs as root: what root writes there %s could not read any more, and releases would run as root. "+
		"Nothing was touched. Run it as %s: %s …; or, where all that uses the store runs as root, give it to root: chown -R root %s",
		name, name, name, account.Sudo(owner), root)
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
	owner, _, known := ownerOf(info)
	if !known {
		return err
	}
	self := account.User(o.euid)
	next := fmt.Sprintf("give all of the store back to %s: sudo chown -R %s %s", self, self, o.root)
	if whole, err := os.Stat(o.root); err == nil {
		theirs, group, _ := ownerOf(whole)
		switch {
		case local.Shared(whole):
			next = fmt.Sprintf("the store is its group's: sudo usermod -aG %s %s, and log in anew", account.Group(group), self)
		case theirs != o.euid:
			next = fmt.Sprintf("run it as %s (%s …), or give all of the store to %s: sudo chown -R %s %s", account.User(theirs), account.Sudo(theirs), self, self, o.root)
		}
	}
	return fmt.Errorf("%w. %s belongs to user %s, and this runs as %s: %s", err, path, account.User(owner), self, next)
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
