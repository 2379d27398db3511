package secureshell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// filesOpening is how long sshd may take until it serves files, and until it has ended to: a subsystem that says nothing is as good as none.
const filesOpening = 5 * time.Second

// filesNeeded are the extensions of SFTP by which a file is replaced at once, and is on the disk.
var filesNeeded = []string{"posix-rename@openssh.com", "fsync@openssh.com"}

var errNoFiles = errors.New("its sshd serves no files (SFTP)")

// ReplaceFile replaces the file at an absolute path on the machine: whoever opens it finds the old content or the new one, whole. mode is its
// permissions. No process is started for it there, so it takes about a tenth of the time of a script: sshd serves it, by SFTP. An error by
// errors.ErrUnsupported says that it does not, or refused something, and that the file is as it was: a script may be able to, and says why where
// it is not. When ctx ends, or the connection is lost, the file is one of both; something that is not whole may lie beside it, as .NAME.RANDOM.
func (m *Machine) ReplaceFile(ctx context.Context, path string, content []byte, mode fs.FileMode) error {
	c, err := m.link.connect(ctx)
	if err == nil {
		err = c.replaceFile(ctx, path, content, mode)
		if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
			// It may have been lost before, and nobody had noticed: the connection, or a session that sshd keeps for a while only. Whatever came of it
			// may be done again.
			if c.gone() {
				m.link.leave(c)
			}
			if c, err = m.link.connect(ctx); err == nil {
				err = c.replaceFile(ctx, path, content, mode)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("replace %s on %s: %w", path, m, err)
	}
	return nil
}

func (c *client) replaceFile(ctx context.Context, path string, content []byte, mode fs.FileMode) error {
	c.used(1)
	defer c.used(-1)
	s, letGo, err := c.files.use(ctx, c)
	if err != nil {
		return err
	}
	err = c.beside(ctx, s, func() error { return replace(s.client, path, content, mode) })
	letGo()
	if err == nil || answered(err) {
		return unsupported(err)
	}
	c.files.forget(s)
	if errors.Is(err, errStopped) {
		return left(ctx, "it did not answer")
	}
	return notReached("its session was lost: %w", err)
}

// unsupported says that the server refused, or serves nothing.
func unsupported(err error) error {
	if err == nil {
		return nil
	}
	return &marked{errors.ErrUnsupported, err}
}

// replace writes beside the file and renames.
func replace(to *sftp.Client, name string, content []byte, mode fs.FileMode) error {
	beside := path.Join(path.Dir(name), "."+path.Base(name)+"."+rand.Text())
	f, err := to.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = to.PosixRename(beside, name)
	}
	if err != nil {
		_ = to.Remove(beside) // the first error says what is wrong
	}
	return err
}

// answered tells whether an error of the library is what the server said, as opposed to one of the way there.
func answered(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrExist)
}

// files is the session of a connection in which sshd serves files: opened by who needs it first, and then kept. It is one beside those of
// scripts.
type files struct {
	// mu is held for reading while the session is used.
	mu   sync.RWMutex
	open *served
	// none: there is none, or its place is needed.
	none bool
	// yielded is when its place was given to scripts; zero: it was not.
	yielded time.Time
}

type served struct {
	session *ssh.Session
	client  *sftp.Client
}

// use is the session, for as long as letGo is not called; an error by errors.ErrUnsupported where there is none.
func (f *files) use(ctx context.Context, c *client) (s *served, letGo func(), err error) {
	for {
		f.mu.RLock()
		if f.open != nil {
			return f.open, f.mu.RUnlock, nil
		}
		f.mu.RUnlock()
		if err := f.begin(ctx, c); err != nil {
			return nil, nil, err
		}
	}
}

// begin opens the session, where it is not there.
func (f *files) begin(ctx context.Context, c *client) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.open != nil:
		return nil
	case f.none:
		return unsupported(errNoFiles)
	}
	session, err := c.session(ctx)
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		f.none = true
		return unsupported(err)
	}
	if err != nil {
		return err
	}
	s := &served{session: session}
	opening, cancel := context.WithTimeout(ctx, filesOpening)
	defer cancel()
	if err = c.beside(opening, s, s.begin); err == nil {
		f.open = s
		return nil
	}
	c.close(s)
	switch {
	case ctx.Err() != nil:
		return left(ctx, "it did not answer")
	case c.gone():
		return c.why()
	}
	f.none = true
	return unsupported(fmt.Errorf("%w: %w", errNoFiles, err))
}

// begin has the server serve files, as this package needs it.
func (s *served) begin() error {
	in, err := s.session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.session.RequestSubsystem("sftp"); err != nil {
		return err
	}
	client, err := sftp.NewClientPipe(out, in)
	if err != nil {
		return err
	}
	for _, name := range filesNeeded {
		if _, has := client.HasExtension(name); !has {
			return fmt.Errorf("it lacks %s", name)
		}
	}
	s.client = client
	return nil
}

// forget leaves a session that is of no use any more: who needs one next opens another.
func (f *files) forget(s *served) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == s {
		f.open = nil
	}
}

// yield gives the session's place to a script, for good: a machine that allows so few keeps none for files. It tells whether there is a place
// that comes free.
func (f *files) yield(c *client) bool {
	if !f.mu.TryLock() {
		return true // It is used, and comes free then.
	}
	defer f.mu.Unlock()
	if f.open != nil {
		c.close(f.open)
		f.open, f.none, f.yielded = nil, true, time.Now()
	}
	return !f.yielded.IsZero() && time.Since(f.yielded) < filesOpening
}

var errStopped = errors.New("it was not waited for")

// beside does work in a session, which is closed where ctx ends before: errStopped.
func (c *client) beside(ctx context.Context, s *served, work func() error) error {
	done := make(chan error, 1)
	if !c.link.connections.start(func() { done <- work() }) {
		return errClosed
	}
	select {
	case err := <-done:
		return err
	case <-c.lost:
		return c.cause
	case <-ctx.Done():
		c.close(s)
		return errStopped
	}
}

// close ends a session; its wire may stand still, and is not waited for.
func (c *client) close(s *served) {
	c.link.connections.start(func() { _ = s.session.Close() })
}
