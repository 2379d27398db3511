package haproxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// HAProxy reads the state file when it starts, for a reload as well as after a crash. It takes each server's weight from it, unless the
// configuration's own was changed in between, and whether it was in maintenance by the Runtime API, `disabled` in the configuration
// notwithstanding: so a slot without traffic comes back without, and one that the configuration disables with its weight.

// Files are those of a node's machine.
type Files interface {
	// Write replaces a file at once: whoever opens it finds the old content or the new one, whole. Everybody may read it.
	Write(ctx context.Context, path string, content []byte) error
	// Read returns a file's content; fs.ErrNotExist where there is none.
	Read(ctx context.Context, path string) ([]byte, error)
	// Writable tells what stands in the way of Write. It changes nothing.
	Writable(ctx context.Context, path string) error
}

// LocalFiles are those of this machine.
type LocalFiles struct{}

// Write implements Files.
func (LocalFiles) Write(_ context.Context, path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says what is wrong
	}
	return err
}

// Read implements Files.
func (LocalFiles) Read(_ context.Context, path string) ([]byte, error) { return os.ReadFile(path) }

// Writable implements Files.
func (LocalFiles) Writable(_ context.Context, path string) error {
	directory := filepath.Dir(path)
	info, err := os.Stat(directory)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no directory", directory)
	}
	if err := writable(directory); err != nil {
		return fmt.Errorf("%s cannot be written to, and the file is replaced in it: %w", directory, err)
	}
	return nil
}

// Machine is another machine.
type Machine interface {
	// Run runs a POSIX shell script, as sh -c does, and returns its standard output. One that ends with another status than 0 is an error.
	Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error)
	// ReplaceFile replaces a file at once. By errors.ErrUnsupported: it cannot, and the file is as it was.
	ReplaceFile(ctx context.Context, path string, content []byte, mode fs.FileMode) error
}

// MachineFiles are those of another machine.
type MachineFiles struct{ Machine Machine }

// Write implements Files. Users wait for each change of the weights, so no process is started where there is a way without.
func (m MachineFiles) Write(ctx context.Context, path string, content []byte) error {
	if err := m.Machine.ReplaceFile(ctx, path, content, 0o644); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	// Each command is a process there: noclobber and a name that nobody knows before are as good as mktemp, and umask as chmod. What a lost
	// connection has cut off ends like what is whole, so its size is looked at.
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	_, err := m.Machine.Run(ctx, fmt.Sprintf(`set -eC; umask 022; t=%s; trap 'rm -f "$t"' EXIT; cat >"$t"; test "$(wc -c <"$t")" -eq %d; sync "$t"; mv -f "$t" %s; trap - EXIT`,
		shellword.Quote(beside), len(content), shellword.Quote(path)), bytes.NewReader(content))
	return err
}

// Read implements Files.
func (m MachineFiles) Read(ctx context.Context, path string) ([]byte, error) {
	// A line before the content tells a file that is not there from an empty one, whatever the shell's words are.
	out, err := m.Machine.Run(ctx, fmt.Sprintf(`if [ -e %[1]s ]; then echo there && cat %[1]s; else echo none; fi`, shellword.Quote(path)), nil)
	if err != nil {
		return nil, err
	}
	content, there := bytes.CutPrefix(out, []byte("there\n"))
	if !there {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return content, nil
}

// Writable implements Files.
func (m MachineFiles) Writable(ctx context.Context, path string) error {
	directory := filepath.Dir(path)
	out, err := m.Machine.Run(ctx, fmt.Sprintf(`if [ ! -d %[1]s ]; then echo "is no directory"; elif [ ! -w %[1]s ]; then echo "cannot be written to by $(id -un), and the file is replaced in it"; fi`,
		shellword.Quote(directory)), nil)
	if err != nil {
		return err
	}
	if wrong := strings.TrimSpace(string(out)); wrong != "" {
		return fmt.Errorf("%s %s", directory, wrong)
	}
	return nil
}

// filesTimeout is how long the disk of a node's machine may take for the state file: one that hangs must not hold a restore back.
const filesTimeout = 10 * time.Second

// boundedFiles end what takes longer.
type boundedFiles struct {
	Files
	limit time.Duration
}

// Write implements Files.
func (b boundedFiles) Write(ctx context.Context, path string, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Files.Write(ctx, path, content)
}

// Read implements Files.
func (b boundedFiles) Read(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Files.Read(ctx, path)
}

// Writable implements Files.
func (b boundedFiles) Writable(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Files.Writable(ctx, path)
}

// rewrites bounds how often a state file is written again because others changed something meanwhile. Whoever they are, they write it as well.
const rewrites = 5

// keep writes a node's state file, and reads the node back. The file holds the servers of all backends, and another service's run may have
// changed some of those, and written them, since text was read: so it is written again until it has what the node has.
func (r *Router) keep(ctx context.Context, n *node, text string) (fresh state, err error) {
	for range rewrites {
		if err := n.files.Write(ctx, r.stateFile, []byte(text+"\n")); err != nil {
			return fresh, fmt.Errorf("%s: the weights are set, and a restart of HAProxy would undo them: write %s: %w", n.client, r.stateFile, err)
		}
		var now string
		err := persist(ctx, func() (err error) {
			fresh, now, err = r.readBy(ctx, n, showAll)
			return err
		})
		if err != nil || sameState(text, now) {
			return fresh, err
		}
		text = now
	}
	return fresh, nil
}

// sameState tells whether two states have the same servers, with the same weights and the same administration.
func sameState(a, b string) bool {
	x, wrong := api.ParseServers(a)
	y, wrong2 := api.ParseServers(b)
	return wrong == nil && wrong2 == nil && slices.EqualFunc(x, y, func(x, y api.Server) bool {
		return x.Backend == y.Backend && x.Name == y.Name && x.Weight == y.Weight && x.Admin == y.Admin && x.HostPort() == y.HostPort()
	})
}

// behind has a sentence on each node whose state file would bring back another split than it has.
func (r *Router) behind(ctx context.Context) ([]string, error) {
	texts := map[*node]string{}
	var mutex sync.Mutex
	errs := r.each(func(n *node) error {
		s, err := r.read(ctx, n)
		if err != nil {
			return err
		}
		text, err := r.behindOf(ctx, n, s.servers)
		if err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		texts[n] = text
		return nil
	})
	var sentences []string
	for _, n := range r.nodes {
		if texts[n] != "" {
			sentences = append(sentences, fmt.Sprintf("Node %s: %s %s. A restart of HAProxy brings back what it has; the next split writes it anew.", n.name, r.stateFile, texts[n]))
		}
	}
	return sentences, errors.Join(errs...)
}

// behindOf says what a node's state file would bring back instead of the split that servers have; empty: nothing else.
func (r *Router) behindOf(ctx context.Context, n *node, servers []api.Server) (string, error) {
	content, err := n.files.Read(ctx, r.stateFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && shares(r.reloaded(servers)) == shares(r.weightsOf(servers)):
		return "", nil // haproxy.cfg brings back the same: no split was made yet
	case errors.Is(err, fs.ErrNotExist):
		return "is not there, haproxy.cfg has " + shares(r.reloaded(servers)) + ", and HAProxy " + shares(r.weightsOf(servers)), nil
	case err != nil:
		return "", fmt.Errorf("node %s: read %s: %w", n.name, r.stateFile, err)
	}
	saved, unreadable := api.ParseServers(string(content))
	if unreadable != nil {
		return "is none that HAProxy reads (" + unreadable.Error() + ")", nil //nolint:nilerr // it is what there is to say of the file
	}
	if then, now := r.weightsOf(r.inBackend(saved)), r.weightsOf(servers); shares(then) != shares(now) {
		return "has " + shares(then) + ", and HAProxy " + shares(now), nil
	}
	return "", nil
}
