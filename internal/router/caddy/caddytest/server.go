// Package caddytest runs a real Caddy for tests.
package caddytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

// Variable names the environment variable with the path of Caddy's executable.
const Variable = "DEPLOY_TEST_CADDY"

const (
	startDeadline = 30 * time.Second
	stopDeadline  = 20 * time.Second
	pollInterval  = 20 * time.Millisecond
	// starts is how often another pair of ports is tried: somebody may take one before Caddy does.
	starts = 5
)

// Server is a Caddy process of a test, on loopback, with ports and a directory of its own.
type Server struct {
	// URL is where Caddy's site answers, Admin its admin API as the provider's configuration names it.
	URL, Admin string
	// ShareFile is a path beside the configuration; nothing is there at first.
	ShareFile string

	binary, directory, listen string
	site                      func(*Server) string
	process                   *component.Process
	output                    string
}

// Split is the site with the split: the addresses of blue and green behind share file.
func Split(s *Server, blue, green []string) string {
	return fmt.Sprintf("vars green \"{file.%s}\"\n@green expression `{http.request.uuid} < {http.vars.green}`\n"+
		"reverse_proxy @green %s\nreverse_proxy %s\n", s.ShareFile, strings.Join(green, " "), strings.Join(blue, " "))
}

// Start runs Caddy until the test ends. site gives the lines of the site in the Caddyfile; it is asked again at each
// Reload and Restart. Without Caddy the test is skipped, or fails where CI is "true".
func Start(t testing.TB, site func(*Server) string) *Server {
	t.Helper()
	return start(t, site, false)
}

// StartOnSocket is Start with the admin API on a Unix socket.
func StartOnSocket(t testing.TB, site func(*Server) string) *Server {
	t.Helper()
	return start(t, site, true)
}

func start(t testing.TB, site func(*Server) string, socket bool) *Server {
	t.Helper()
	binary := component.Find(t, Variable, "bin/caddy", "make caddy")
	// Not t.TempDir: its name is too long for the path of a socket.
	directory, err := os.MkdirTemp("", "caddy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	s := &Server{
		ShareFile: filepath.Join(directory, "web.share"), binary: binary, directory: directory,
		site: site, output: filepath.Join(directory, "output"),
	}
	t.Cleanup(func() { s.Stop(t) })
	for try := 1; ; try++ {
		ports := component.FreePorts(t, 2)
		s.listen, s.URL, s.Admin = ports[0], "http://"+ports[0], "http://"+ports[1]
		if socket {
			s.Admin = "unix/" + filepath.Join(directory, "admin.sock")
		}
		err := s.run()
		if err == nil {
			return s
		}
		if try == starts {
			t.Fatal(err)
		}
	}
}

// Reload loads the configuration again into the running Caddy.
func (s *Server) Reload(t testing.TB) {
	t.Helper()
	if err := s.writeCaddyfile(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startDeadline)
	defer cancel()
	command := exec.CommandContext(ctx, s.binary, "reload", "--force", //nolint:gosec // the test's own Caddy
		"--config", s.caddyfile(), "--adapter", "caddyfile", "--address", strings.TrimPrefix(s.Admin, "http://"))
	command.Env = s.environment()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("reload Caddy: %v\n%s", err, out)
	}
}

// Restart ends Caddy and starts it again with the same ports.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends Caddy and waits until it is gone. Stopping it twice is no error.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func (s *Server) end() error {
	process := s.process
	s.process = nil
	return process.Stop(stopDeadline)
}

func (s *Server) caddyfile() string { return filepath.Join(s.directory, "Caddyfile") }

func (s *Server) environment() []string {
	return []string{"HOME=" + s.directory, "XDG_DATA_HOME=" + s.directory, "XDG_CONFIG_HOME=" + s.directory}
}

func (s *Server) writeCaddyfile() error {
	admin := strings.TrimPrefix(s.Admin, "http://")
	text := fmt.Sprintf("{\nadmin %s\nauto_https off\npersist_config off\ngrace_period 2s\nlog {\nlevel WARN\n}\n}\nhttp://%s {\n%s}\n",
		admin, s.listen, s.site(s))
	return os.WriteFile(s.caddyfile(), []byte(text), 0o600)
}

// run starts the process and waits until its site and its admin API answer.
func (s *Server) run() error {
	if err := s.writeCaddyfile(); err != nil {
		return err
	}
	output, err := os.OpenFile(s.output, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	command := exec.Command(s.binary, "run", "--config", s.caddyfile(), "--adapter", "caddyfile") //nolint:gosec,noctx // ends with Stop
	command.Dir, command.Env, command.Stdout, command.Stderr = s.directory, s.environment(), output, output
	if s.process, err = component.Run(command); err != nil {
		return err
	}
	if err := s.wait(); err != nil {
		text, _ := os.ReadFile(s.output) // only adds to the error
		return errors.Join(fmt.Errorf("start Caddy: %w\n%s", err, bytes.TrimSpace(text)), s.end())
	}
	return nil
}

func (s *Server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	for {
		err := s.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.Ended():
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(pollInterval):
		}
	}
}

// answers asks the admin API, which is up last, whether this process is the one that has the test's site.
func (s *Server) answers(ctx context.Context) error {
	transport := &http.Transport{DisableKeepAlives: true}
	base := s.Admin
	if socket, ok := strings.CutPrefix(s.Admin, "unix/"); ok {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/config/", nil)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if !bytes.Contains(body, []byte(s.listen[strings.LastIndex(s.listen, ":"):])) {
		return fmt.Errorf("the admin API has another configuration: %s", body)
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	return connection.Close()
}
