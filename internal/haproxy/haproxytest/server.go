// Package haproxytest runs a real HAProxy for tests.
package haproxytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

const (
	startDeadline = time.Minute
	stopDeadline  = 30 * time.Second
	pollInterval  = 10 * time.Millisecond
	timeout       = 20 * time.Second
	// starts is how often another pair of ports is tried: somebody may take one before HAProxy does.
	starts = 5
)

// Server is an HAProxy of a test, on loopback, with ports and a directory of its own: a master and its worker.
type Server struct {
	// Node is its name.
	Node string
	// URL is where the frontend of the configuration answers.
	URL string
	// Socket is the path of a stats socket of level admin, UserSocket one of level user, and Address host:port of one of level admin on TCP.
	Socket, UserSocket, Address string
	// Master is the path of the master's socket, which is another protocol's.
	Master string
	// StateFile is the path of a file for servers' state; nothing is there at first.
	StateFile string

	binary, directory, listen string
	config                    func(*Server) string
	process                   *component.Process
	// worker is the pid of the one that answers.
	worker int
}

// Start runs HAProxy until the test ends. config gives the configuration, Split for one; it is asked again at each Reload and Restart.
// Where the program is missing it fails the test when CI is true, and skips it otherwise.
func Start(t testing.TB, config func(*Server) string) *Server {
	t.Helper()
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		if _, missing := os.Stat("/usr/sbin/haproxy"); missing == nil {
			binary, err = "/usr/sbin/haproxy", nil // where Debian has it, and not every PATH
		}
	}
	if err != nil {
		component.Missing(t, "haproxy is missing: apt-get install haproxy")
	}
	// Not t.TempDir: its name is too long for the path of a socket.
	directory, err := os.MkdirTemp("", "haproxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	s := &Server{Node: "node", binary: binary, directory: directory, config: config}
	s.Socket, s.UserSocket, s.StateFile = s.path("admin.sock"), s.path("user.sock"), s.path("state")
	s.Master = s.path("master.sock")
	t.Cleanup(func() { s.Stop(t) })
	for try := 1; ; try++ {
		ports := component.FreePorts(t, 2)
		s.listen, s.URL, s.Address = ports[0], "http://"+ports[0], ports[1]
		err := s.run()
		if err == nil {
			return s
		}
		if try == starts {
			t.Fatal(err)
		}
	}
}

// Client of the process that answers at Socket.
func (s *Server) Client() *haproxy.Client { return s.client("unix", s.Socket) }

// ClientTCP of the process that answers at Address.
func (s *Server) ClientTCP() *haproxy.Client { return s.client("tcp", s.Address) }

// ClientUser of the process that answers at UserSocket, which may read alone.
func (s *Server) ClientUser() *haproxy.Client { return s.client("unix", s.UserSocket) }

func (s *Server) client(network, address string) *haproxy.Client {
	return haproxy.New("node "+s.Node+" ("+address+")", func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}, timeout)
}

// Command runs commands of the Runtime API, which must be obeyed, and returns their answers.
func (s *Server) Command(t testing.TB, commands ...string) []string {
	t.Helper()
	answers, err := s.Client().Command(context.WithoutCancel(t.Context()), commands...)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// SaveState writes the state of all servers into StateFile, as an administrator's unit does before a reload.
func (s *Server) SaveState(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(s.StateFile, []byte(s.Command(t, "show servers state")[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Worker is the pid of the process that answers.
func (s *Server) Worker() int { return s.worker }

func (s *Server) writeConfig() error {
	return os.WriteFile(s.path("haproxy.cfg"), []byte(s.config(s)), 0o600)
}

func (s *Server) said() string {
	text, _ := os.ReadFile(s.path("output")) // only adds to an error
	return strings.TrimSpace(string(text))
}

// run starts the processes and waits until the worker answers.
func (s *Server) run() error {
	if err := s.writeConfig(); err != nil {
		return err
	}
	output, err := os.OpenFile(s.path("output"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	command := exec.Command(s.binary, "-W", "-S", s.Master, "-f", s.path("haproxy.cfg")) //nolint:gosec,noctx // ends with Stop
	command.Dir, command.Stdout, command.Stderr = s.directory, output, output
	if s.process, err = component.Run(command); err != nil {
		return err
	}
	if err := s.wait(0); err != nil {
		return errors.Join(fmt.Errorf("start HAProxy: %w\n%s", err, s.said()), s.end())
	}
	return nil
}

// wait until a worker answers that is not the one with this pid.
func (s *Server) wait(old int) error {
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	for {
		info, err := s.Client().Info(ctx)
		switch {
		case err != nil:
		case info.Pid == old || info.Stopping:
			err = fmt.Errorf("the worker %d is still the old one", info.Pid)
		default:
			if err = s.mastered(ctx, info.Pid); err == nil {
				s.worker = info.Pid
				return nil
			}
		}
		select {
		case <-s.process.Ended():
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("no worker answers: %w", err)
		case <-time.After(pollInterval):
		}
	}
}

// mastered asks the master whether it has this worker. Behind the worker's start it begins anew itself, and a signal that it gets
// meanwhile is lost.
func (s *Server) mastered(ctx context.Context, worker int) error {
	connection, err := new(net.Dialer).DialContext(ctx, "unix", s.Master)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(connection, "show proc\nquit\n"); err != nil {
		return err
	}
	text, err := io.ReadAll(connection)
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Fields(string(text)), strconv.Itoa(worker)) {
		return fmt.Errorf("the master does not know the worker %d: %s", worker, text)
	}
	return nil
}
