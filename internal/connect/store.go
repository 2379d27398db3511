package connect

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/azblob"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/gcs"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/s3"
)

// DefaultStore is where ledgers lie on a person's machine, where nothing else is said.
const DefaultStore = "file://./.deploy"

// StoreChoices lists the forms of a store's URL, for people.
const StoreChoices = "s3://bucket/prefix, gs://bucket/prefix, azblob://container/prefix, file:///absolute/path or file://./relative/path"

// Store opens a store by its URL; nothing is asked of it yet. directory is where it lies on this machine's disk,
// absolute, and empty where it does not.
func Store(ctx context.Context, raw string) (s store.Store, directory string, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "", fmt.Errorf("read the store's URL %q: %w", raw, err)
	}
	if u.Scheme == "file" {
		return localStore(u)
	}
	if s, err = cloudStore(ctx, u); err != nil {
		return nil, "", err
	}
	return store.Bounded(s, store.DefaultLimits), "", nil
}

func cloudStore(ctx context.Context, u *url.URL) (store.Store, error) {
	switch u.Scheme {
	case "s3":
		return s3.Open(ctx, u)
	case "gs":
		return gcs.Open(ctx, u)
	case "azblob":
		return azblob.Open(ctx, u)
	}
	return nil, fmt.Errorf("store %q: scheme %q is not known; use %s", u.Redacted(), u.Scheme, StoreChoices)
}

func localStore(u *url.URL) (store.Store, string, error) {
	root, err := localRoot(u)
	if err != nil {
		return nil, "", err
	}
	opened, err := local.Open(root)
	if err != nil {
		return nil, "", fmt.Errorf("open the store %s: %w", u, err)
	}
	s := owned{Store: opened, root: root, euid: os.Geteuid()}
	if err := foreign(root, s.euid); err != nil {
		s.readOnly = fmt.Errorf("write into the store %s: %w", u, err)
	}
	return s, root, nil
}

// localRoot reads file:///absolute and file://./relative.
func localRoot(u *url.URL) (string, error) {
	switch {
	case u.Host == "" && u.Path != "":
		return filepath.Clean(u.Path), nil
	case u.Host == "." || u.Host == "..":
		root, err := filepath.Abs(filepath.Join(u.Host, u.Path))
		if err != nil {
			return "", fmt.Errorf("find the store %s: %w", u, err)
		}
		return root, nil
	}
	return "", fmt.Errorf("store %s: use file:///absolute/path or file://./relative/path", u)
}
