//go:build linux

package sshtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// KeyName is the credential that holds the private key which may log in.
const KeyName = "machine_key"

const patience = 30 * time.Second

// Server is an sshd that the current user may log in to.
type Server struct {
	// Address and Port that it listens on, and the User who may log in.
	Address string
	Port    int
	User    string
	// HostKey is its public host key, "ssh-ed25519 AAAA…".
	HostKey string
	// Key is the private key that may log in, as OpenSSH writes it.
	Key string
	// Directory holds its configuration (sshd_config), keys (host_key, key) and authorized_keys; tests may add to them.
	Directory string

	t       testing.TB
	program string
	mu      sync.Mutex
	process *exec.Cmd
	// ended is closed when process has ended.
	ended chan struct{}
	log   *log
}

// Option is a line of sshd_config, such as "AllowTcpForwarding no". It comes before those that are usual, and so has precedence.
type Option string

// Start runs an sshd until t ends. Without sshd the test is skipped with a line that says how to get it, or fails where CI is "true".
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{Address: "127.0.0.1", t: t, program: find(t, "sshd", "openssh-server"), log: &log{}}
	u, err := user.Current()
	if err != nil {
		t.Fatalf("find out who we are: %v", err)
	}
	s.User = u.Username
	// A short path, since sockets are made there, that sshd need not find safe.
	s.Directory, err = os.MkdirTemp("", "sshd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.Directory) })
	s.HostKey = public(t, GenerateKey(t, s.Path("host_key")))
	authorized := public(t, GenerateKey(t, s.Path("key")))
	s.Key = read(t, s.Path("key"))
	write(t, s.Path("authorized_keys"), authorized+"\n")
	ports, err := freeport.Find(s.Address, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.Port = ports[0]
	var config strings.Builder
	for _, o := range options {
		fmt.Fprintln(&config, strings.ReplaceAll(string(o), "DIRECTORY", s.Directory))
	}
	if !strings.Contains(config.String(), "Subsystem ") {
		fmt.Fprintln(&config, "Subsystem sftp internal-sftp")
	}
	fmt.Fprintf(&config, `Port %d
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
`, s.Port, s.Address, s.Path("host_key"), s.Path("authorized_keys"))
	write(t, s.Path("sshd_config"), config.String())
	if os.Geteuid() == 0 {
		// sshd of root separates privileges, into a directory that its service makes otherwise.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd of port %d:\n%s", s.Port, s.Log())
		}
	})
	s.Start()
	return s
}

// Path is that of a file of the server.
func (s *Server) Path(name string) string { return filepath.Join(s.Directory, name) }

// SSH is how to log in to the server: by the credential KeyName.
func (s *Server) SSH() service.SSH {
	return service.SSH{Address: s.Address, Port: s.Port, User: s.User, PrivateKey: KeyName, HostKey: s.HostKey}
}

// Credentials hold the key that may log in, as KeyName.
func (s *Server) Credentials() Credentials { return Credentials{KeyName: s.Key} }

// Credentials are secrets by name.
type Credentials map[string]string

// Lookup returns the secret called name.
func (c Credentials) Lookup(name string) (string, error) {
	secret, ok := c[name]
	if !ok {
		return "", fmt.Errorf("there is no credential %q", name)
	}
	return secret, nil
}

// Log is what sshd has written so far.
func (s *Server) Log() string { return s.log.String() }

// Start runs the server again after Stop, on the same port with the same keys.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.t.Fatal("sshd runs already")
	}
	command := exec.Command(s.program, "-D", "-e", "-f", s.Path("sshd_config")) //nolint:noctx // ended by Stop
	command.Stdout, command.Stderr = s.log, s.log
	// In a group of its own, an interrupt at the terminal reaches it by us alone; the kernel ends it when the thread that started it is gone, so
	// that tests which are killed leave nothing behind. That thread must live as long as sshd.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatalf("start sshd: %v", err)
	}
	s.process, s.ended = command, ended
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !answers(ctx, s.Address, s.Port) {
		select {
		case <-ended:
			s.process = nil
			s.t.Fatalf("sshd ended: %v\n%s", command.ProcessState, s.Log())
		case <-ctx.Done():
			s.t.Fatalf("sshd does not answer on port %d\n%s", s.Port, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop kills the server and all of its connections.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.ended
	s.process = nil
}

// Suspend stops the server and all of its connections in their tracks (SIGSTOP): connections to it are taken, and nothing answers.
func (s *Server) Suspend() { s.signal(syscall.SIGSTOP) }

// Resume ends Suspend.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Disconnect kills the connections that are there; the server goes on to take new ones.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	for _, pid := range s.processes() {
		if pid != s.process.Process.Pid {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func (s *Server) signal(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, signal)
	}
}

// processes are sshd's own: the one that listens first, then those of connections, and not the programs that they run.
func (s *Server) processes() []int {
	pids := []int{s.process.Process.Pid}
	for i := 0; i < len(pids); i++ {
		for _, child := range children(pids[i]) {
			if name := commandName(child); strings.HasPrefix(name, "sshd") {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

func answers(ctx context.Context, address string, port int) bool {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, fmt.Sprint(port)))
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	begin := make([]byte, 4)
	n, _ := connection.Read(begin)
	return n > 0 && bytes.HasPrefix([]byte("SSH-"), begin[:n])
}

// log is what a process writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
