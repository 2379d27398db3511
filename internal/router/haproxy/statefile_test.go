package haproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// shell runs scripts on this machine as another would, whose sshd serves no files.
type shell struct{}

func (shell) ReplaceFile(context.Context, string, []byte, fs.FileMode) error {
	return errors.ErrUnsupported
}

func (shell) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	command := exec.CommandContext(ctx, "sh", "-c", script)
	command.Stdin = stdin
	return command.Output()
}

func TestFiles(t *testing.T) {
	server := sshtest.Start(t)
	connections := secureshell.New(server.Credentials(), secureshell.Options{})
	t.Cleanup(func() { _ = connections.Close() })
	for name, files := range map[string]haproxy.Files{
		"here": haproxy.LocalFiles{}, "by a shell": haproxy.MachineFiles{Machine: shell{}},
		"by SSH": haproxy.MachineFiles{Machine: connections.Machine(server.SSH())},
	} {
		t.Run(name, func(t *testing.T) {
			directory := filepath.Join(t.TempDir(), "it's a $place")
			path := filepath.Join(directory, "server state")
			if err := files.Writable(t.Context(), path); err == nil {
				t.Error("a directory that is not there can be written to")
			}
			if err := files.Write(t.Context(), path, nil); err == nil {
				t.Error("a directory that is not there is written to")
			}
			if err := os.Mkdir(directory, 0o750); err != nil {
				t.Fatal(err)
			}
			if err := files.Writable(t.Context(), path); err != nil {
				t.Error(err)
			}
			if _, err := files.Read(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
			for _, content := range []string{"1\n# a\n", ""} {
				if err := files.Write(t.Context(), path, []byte(content)); err != nil {
					t.Fatal(err)
				}
				if got, err := files.Read(t.Context(), path); err != nil || string(got) != content {
					t.Errorf("read %q, %v; want %q", got, err, content)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if left, err := os.ReadDir(directory); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// cut is a machine whose connection is lost before the last byte of a script's input.
type cut struct{ shell }

func (c cut) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	all, err := io.ReadAll(stdin)
	if err != nil {
		return nil, err
	}
	return c.shell.Run(ctx, script, bytes.NewReader(all[:len(all)-1]))
}

func TestFileThatIsCutOffIsNotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (haproxy.MachineFiles{Machine: cut{}}).Write(t.Context(), path, []byte("1\n# after\n")); err == nil {
		t.Error("it is whole")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "before" { //nolint:gosec // the test's own
		t.Errorf("%q, %v", got, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestStateFile: it holds all backends, and comes back with weights and maintenance, also of a slot that the configuration enables.
func TestStateFile(t *testing.T) {
	s := newStand(t, form{options: checked, stateFile: true}, 2, 1)
	s.set(t, s.split(100))
	for name, again := range map[string]func(testing.TB){"reload": s.servers[0].Reload, "restart": s.servers[0].Restart, "crash": func(t testing.TB) {
		s.servers[0].Kill(t)
		s.servers[0].Run(t)
	}} {
		again(t)
		for _, server := range []string{"blue-0", "blue-1"} {
			if got := s.server(t, 0, server); !got.Admin.Maint() || got.Weight != 0 {
				t.Errorf("after a %s: %+v", name, got)
			}
		}
		if got := s.server(t, 0, "green"); got.Admin.Maint() || got.Weight != 100 {
			t.Errorf("after a %s: %+v", name, got)
		}
		s.want(t, 100)
		// What had no traffic, and was restored as such, can have it at once.
		s.set(t, s.back(0))
		for _, server := range []string{"blue-0", "blue-1"} {
			if got := s.server(t, 0, server); !got.Eligible() {
				t.Errorf("after a %s, and back: %+v", name, got)
			}
		}
		s.set(t, s.split(100))
	}
}

// TestStateFileOfTwoServices: the file holds what both have, whoever wrote it last.
func TestStateFileOfTwoServices(t *testing.T) {
	blue, green := instances(t, "blue", 1), instances(t, "green", 1)
	f := form{stateFile: true}
	server := haproxytest.Start(t, func(s *haproxytest.Server) string {
		web, api := f.backend(blue, green), f.backend(blue, green)
		api.Name = "api"
		return haproxytest.Split(s, web, api)
	})
	routers := map[string]*haproxy.Router{}
	for _, backend := range []string{"web", "api"} {
		d := f.definition(deadline, server)
		d.Backend = backend
		r, err := haproxy.New(d, service.NewID("production", backend), []string{"blue", "green"}, func(string) haproxy.Access {
			return haproxy.Access{Dial: f.dialer(server)}
		})
		if err != nil {
			t.Fatal(err)
		}
		routers[backend] = r
	}
	for round := range 30 {
		var work sync.WaitGroup
		for _, r := range routers {
			work.Go(func() {
				split := delivery.Split{Weights: map[string]int{"blue": 99 - round, "green": 1 + round}}
				if err := r.SetWeights(t.Context(), split); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		for backend, r := range routers {
			if warnings, err := r.Warnings(t.Context()); err != nil || len(warnings) > 0 {
				t.Fatalf("round %d, %s: %q, %v", round, backend, warnings, err)
			}
		}
	}
}

// TestStateFileIsBehind: a plan tells what a restart would bring back.
func TestStateFileIsBehind(t *testing.T) {
	s := newStand(t, form{stateFile: true}, 1, 1)
	warned := func(says ...string) {
		t.Helper()
		warnings, err := s.Warnings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(says) == 0 && len(warnings) > 0 {
			t.Errorf("warnings: %q", warnings)
		} else if len(says) > 0 {
			wantError(t, errors.New(strings.Join(warnings, " ")), says...)
		}
	}
	warned() // haproxy.cfg has what there is
	s.set(t, s.split(25))
	warned()
	if err := os.Remove(s.servers[0].StateFile); err != nil {
		t.Fatal(err)
	}
	warned("is not there", s.servers[0].StateFile, "haproxy.cfg has blue 100 %, green 0 %, and HAProxy blue 75 %, green 25 %")
	s.set(t, s.split(25))
	warned()
	s.servers[0].Command(t, "set server web/blue weight 25")
	warned("has blue 75 %, green 25 %, and HAProxy blue 50 %, green 50 %")
	if err := os.WriteFile(s.servers[0].StateFile, []byte("no such thing"), 0o600); err != nil {
		t.Fatal(err)
	}
	warned("none that HAProxy reads")
	s.set(t, s.split(25))
	warned()
}

// elsewhere is a machine whose files are below a directory of this one.
type elsewhere struct {
	haproxy.LocalFiles
	root string
}

func (e elsewhere) Write(ctx context.Context, path string, content []byte) error {
	return e.LocalFiles.Write(ctx, filepath.Join(e.root, path), content)
}

func (e elsewhere) Read(ctx context.Context, path string) ([]byte, error) {
	return e.LocalFiles.Read(ctx, filepath.Join(e.root, path))
}

func (e elsewhere) Writable(ctx context.Context, path string) error {
	return e.LocalFiles.Writable(ctx, filepath.Join(e.root, path))
}

// TestStateFileOnTCP: nodes that are reached on TCP have each the file of its own machine, and a reload finds it there.
func TestStateFileOnTCP(t *testing.T) {
	s := newStand(t, form{options: checked, tcp: true, stateFile: true, nodes: 2}, 2, 1)
	d := s.definition(deadline, s.servers...)
	d.StateFile = "/" + filepath.Base(s.servers[0].StateFile)
	for i, name := range []string{"a", "b"} {
		d.Nodes[name] = service.HAProxyNode{Address: s.servers[i].Address, SSH: &service.SSH{Address: "lb-" + name, Port: 22, User: "deploy"}}
	}
	define := func(root func(i int) string) {
		r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
			i := int(node[0] - 'a')
			return haproxy.Access{Dial: s.dial(i), Files: elsewhere{root: root(i)}}
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Router = r
	}
	define(func(i int) string { return filepath.Dir(s.servers[i].StateFile) })
	if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
		t.Fatal(err)
	}
	s.set(t, s.split(30))
	for _, server := range s.servers {
		server.Reload(t)
		if content, err := os.ReadFile(server.StateFile); err != nil || !strings.Contains(string(content), " web ") {
			t.Errorf("its file is %q, %v", content, err)
		}
	}
	s.want(t, 30)
	if warnings, err := s.Warnings(t.Context()); err != nil || len(warnings) > 0 {
		t.Errorf("%q, %v", warnings, err)
	}
	none := filepath.Join(t.TempDir(), "none")
	define(func(int) string { return none })
	wantError(t, s.Check(t.Context(), s.split(0).Placements), "node b: the state file /state on lb-b:22 cannot be written")
}

// TestStateFileCannotBeWritten: Check tells, and a split that would not last is none.
func TestStateFileCannotBeWritten(t *testing.T) {
	s := newStand(t, form{}, 1, 1)
	d := s.definition(deadline, s.servers...)
	d.StateFile = filepath.Join(t.TempDir(), "none", "state")
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
		return haproxy.Access{Dial: s.dial(0)}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Check(t.Context(), s.split(0).Placements), "node a", d.StateFile)
	wantError(t, r.SetWeights(t.Context(), s.split(25)), "node a", d.StateFile, "node a now has blue 100 %, green 0 %")
	s.want(t, 0)
}

// TestWarnings: what a reload loses is told.
func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		form
		says string
	}{
		"static":  {form{}, "Those are the ones of now, and after a split they are not. A plan then shows"},
		"dynamic": {form{dynamic: true}, "loses the servers"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, c.form, 1, 1, func(int, *haproxytest.Backend) {})
			s.set(t, s.split(0))
			warnings, err := s.Warnings(t.Context())
			if err != nil || len(warnings) != 1 {
				t.Fatalf("%q, %v", warnings, err)
			}
			wantError(t, errors.New(warnings[0]), c.says)
		})
	}
}

// TestWarningsSayWhatIsLost: by nodes, with what a reload makes of the traffic; and it does.
func TestWarningsSayWhatIsLost(t *testing.T) {
	s := newStand(t, form{nodes: 3}, 1, 1, func(node int, b *haproxytest.Backend) {
		if node == 2 {
			b.Servers[0].Options, b.Servers[1].Options = "disabled", ""
		}
	})
	said := func(says ...string) {
		t.Helper()
		warnings, err := s.Warnings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, errors.New(strings.Join(warnings, " ")), says...)
		for _, no := range []string{"Nothing may run", "on node c"} {
			if text := strings.Join(warnings, " "); strings.Contains(text, no) && !slices.ContainsFunc(says, func(says string) bool { return strings.Contains(says, no) }) {
				t.Errorf("it says %q", text)
			}
		}
	}
	s.set(t, s.split(100))
	said("there is no state_file. Now that would be on node a, b blue 100 %, green 0 % in place of blue 0 %, green 100 %. Nothing may run in slot blue, and users would be sent there.", "server-state-file")
	s.set(t, s.split(30))
	said("on node a, b blue 100 %, green 0 % in place of blue 70 %, green 30 %; on node c blue 0 %, green 100 % in place of blue 70 %, green 30 %. A plan then")
	s.set(t, s.split(100))
	s.servers[0].Reload(t)
	said("a has blue 100 %, green 0 %; b has blue 0 %, green 100 %", "on node b blue 100 %, green 0 % in place of blue 0 %, green 100 %. Nothing may run in slot blue")
}
