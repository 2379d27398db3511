package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// layout is the directory of a service, and knows what is where in it.
type layout string

func (l layout) path(elements ...string) string {
	return filepath.Join(append([]string{string(l)}, elements...)...)
}

// epoch is the file that notes which run had the lease last.
func (l layout) epoch() string { return l.path("epoch") }

// owner is the file that says whose the directory is.
func (l layout) owner() string { return l.path("service") }

func (l layout) release(r service.ReleaseID) string { return l.path("releases", r.Label()) }

// kept is the directory of an artifact, by its digest ("sha256:<hex>").
func (l layout) kept(digest string) string {
	return l.path("artifacts", strings.TrimPrefix(digest, "sha256:"))
}

func (l layout) slot(name string) string { return l.path("run", name) }

var instancePattern = regexp.MustCompile(`^(blue|green)/[0-9]{1,5}$`)

// instance is the directory of the instance called name; the name comes from a record, and is not trusted.
func (l layout) instance(name string) (string, error) {
	if !instancePattern.MatchString(name) {
		return "", fmt.Errorf("%q is no instance of platform host: they are called blue/0, green/1", name)
	}
	return l.path("run", filepath.FromSlash(name)), nil
}

// children lists what is in a directory, full paths without hidden ones; none where it is not there.
func children(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	paths := make([]string, 0, len(entries))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// endpoint is an instance's address, taken apart.
func endpoint(i service.Instance) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(i.Address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, fmt.Errorf("read the address of %s: %w", i.Name, err)
	}
	return host, port, nil
}
