package connect

import (
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
)

// DefaultStore is where ledgers lie on a person's machine, where nothing else is said.
const DefaultStore = "file://./.deploy"

// Store opens a store by its URL. backups is the directory of the store that data can be kept in, empty if it has none.
func Store(raw string) (s store.Store, backups string, err error) {
	u, err := store.ParseURL(raw)
	if err != nil {
		return nil, "", err
	}
	root, err := localRoot(u)
	if err != nil {
		return nil, "", err
	}
	opened, err := local.Open(root)
	if err != nil {
		return nil, "", fmt.Errorf("open the store %s: %w", raw, err)
	}
	return opened, root, nil
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
