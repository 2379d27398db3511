package machines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// shell is this machine, with one of the shells that are called sh somewhere, and with programs of a test's own before all others.
type shell struct {
	command  []string
	programs string
}

func (s shell) String() string { return s.command[0] }

func (s shell) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	command := exec.CommandContext(ctx, s.command[0], append(s.command[1:], "-c", script)...) //nolint:gosec // one of ours
	command.Env = []string{"PATH=" + s.programs + ":" + os.Getenv("PATH")}
	command.Stdin = stdin
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &exitError{status: exit.ExitCode(), stderr: problems.String()}
	}
	return out, err
}

func (s shell) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("not here")
}

// inEachShell runs test with a directory, for each of the shells.
func inEachShell(t *testing.T, test func(t *testing.T, p part)) {
	t.Helper()
	for _, command := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skip(err)
			}
			test(t, part{
				record: record{Directory: t.TempDir(), DrainTimeout: service.Duration(time.Second)}, machine: shell{command, t.TempDir()},
				release: "production/web/1.0.0-00000000", slot: "blue",
			})
		})
	}
}

// program has the scripts find a program.
func (p part) program(t *testing.T, name, script string) {
	t.Helper()
	p.file(t, filepath.Join(p.machine.(shell).programs, name), "#!/bin/sh\n"+script) //nolint:forcetypeassert // inEachShell made it
}

// file writes one, below the service's directory where it has no other.
func (p part) file(t *testing.T, path, text string) {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Directory, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as on machines
		t.Fatal(err)
	}
	component.WriteProgram(t, path, []byte(text)) // some are
}

// platform is that of the part's machine alone, with a release for its slot.
func (p part) platform(t *testing.T) (*Machines, service.Release) {
	t.Helper()
	m, err := New(service.HostPlatform{
		Directory: p.Directory, DrainTimeout: p.DrainTimeout, Supervisor: service.SupervisorSystemd,
		Slots: map[string]service.HostSlot{"blue": {Ports: []int{8001}}, "green": {Ports: []int{8002}}},
	}, p.release.Service(), nil, p.machine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := service.Release{ID: p.release}
	if r.Placement, err = m.Placement(r, p.slot); err != nil {
		t.Fatal(err)
	}
	return m, r
}

// What a command of a script says of its failure is in the error: also behind the guard, which holds its lock meanwhile.
func TestFailuresBehindTheGuardAreTold(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		_, err := p.change(t.Context(), "test", "flock -n "+shellword.Quote(p.Directory+"/lock")+" echo free; cat /nonexistent/file >&2 || exit 3", nil)
		var exit *exitError
		if !errors.As(err, &exit) || exit.status != 3 || !strings.Contains(exit.stderr, "/nonexistent/file") {
			t.Errorf("%v", err)
		}
		out, err := p.change(t.Context(), "test", "flock -n "+shellword.Quote(p.Directory+"/lock")+" echo free; exit 0", nil)
		if err != nil || out != "" {
			t.Errorf("the lock is not held: %q, %v", out, err)
		}
		guard := p.transferGuard(t.Context())
		_, err = p.machine.Run(t.Context(), guard+"mv /nonexistent/a "+shellword.Quote(p.Directory), nil)
		if !errors.As(err, &exit) || !strings.Contains(exit.stderr, "/nonexistent/a") {
			t.Errorf("%v", err)
		}
		p.Directory = filepath.Join(p.Directory, "file")
		if err := os.Mkdir(p.Directory, 0o755); err != nil { //nolint:gosec // as on machines
			t.Fatal(err)
		}
		if err := os.Mkdir(p.Directory+"/lock", 0o755); err != nil { //nolint:gosec // nobody can append to it
			t.Fatal(err)
		}
		_, err = p.change(t.Context(), "test", "echo ran", nil)
		var r *refusal
		if !errors.As(err, &r) || !strings.Contains(r.text, "cannot write into "+p.Directory) {
			t.Errorf("%v", err)
		}
	})
}

// A sudo that keeps what is typed reads all of its standard input. What scripts change and ask by it has none of theirs.
func TestSudoThatReadsItsInput(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.program(t, "sudo", "cat >/dev/null\n")
		p.Sudo = true
		out, err := p.change(t.Context(), "test", "for what in 'root rm' 'ctl stop' journal; do\n"+
			"while read -r line; do $what; echo \"$what $line\"; done <<EOF\n1\n2\nEOF\ndone\nexit 0\n", nil)
		if want := "root rm 1\nroot rm 2\nctl stop 1\nctl stop 2\njournal 1\njournal 2\n"; err != nil || out != want {
			t.Errorf("%q, want %q, %v", out, want, err)
		}
	})
}

// A stop that worked has ended well, whatever else runs there.
func TestStopEndsWell(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.program(t, "systemctl", "")
		p.file(t, "slots/green/0/unit", "web-green-0.service\n")
		p.file(t, "slots/green/0/release", "production/web/0.9.0-00000000\n")
		if err := os.Symlink("releases/"+p.release.Label(), p.Directory+"/current"); err != nil {
			t.Fatal(err)
		}
		m, r := p.platform(t)
		if err := m.Stop(t.Context(), r.Placement); err != nil {
			t.Error(err)
		}
	})
}

// A connection that is lost in the middle ends a script's input as its end does. What was there before stays then.
func TestInputThatIsCutOff(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.program(t, "systemctl", "")
		p.program(t, "install", "echo \"$@\" >>"+p.Directory+"/installed\n")
		m, r := p.platform(t)
		r.Content.Host = &service.HostContent{Command: []string{"/bin/true"}}
		parts, err := m.parts(r.Placement)
		if err != nil {
			t.Fatal(err)
		}
		here := parts[0]
		record := []byte("{\"id\":\"production/web/1.0.0-00000000\"}\n")
		kept := "records/" + p.release.Label() + ".json"
		p.file(t, kept, "before")
		for end := range record {
			if _, err := here.change(t.Context(), "place", recordScript(record), bytes.NewReader(record[:end])); err == nil {
				t.Errorf("%q is a record", record[:end])
			}
			if got, err := os.ReadFile(filepath.Join(p.Directory, kept)); err != nil || string(got) != "before" {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if _, err := here.change(t.Context(), "place", recordScript(record), bytes.NewReader(record)); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(filepath.Join(p.Directory, kept)); err != nil || !bytes.Equal(got, record) {
			t.Errorf("%q, %v", got, err)
		}
		p.file(t, "releases/"+p.release.Label()+"/web", "")
		start := here.startScript(m.definition)
		files, err := m.files(here, r.Content, map[string]string{"A": "b"})
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		const block, end = 512, 2 * 512 // blocks of a tar, and those that end it
		for cut := 0; cut < len(all)-end; cut += block / 2 {
			_, err := here.change(t.Context(), "start", start, bytes.NewReader(all[:cut]))
			if _, stat := os.Stat(p.Directory + "/installed"); err == nil || stat == nil {
				t.Fatalf("%d of %d bytes are enough: %v", cut, len(all), err)
			}
		}
		if _, err := here.change(t.Context(), "start", start, bytes.NewReader(all)); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(p.Directory + "/installed"); err != nil {
			t.Error(err)
		}
	})
}

// Whoever may read a file that is locked could keep its lock.
func TestLockIsNobodyElses(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		file := filepath.Join(p.Directory, "lock")
		for _, mode := range []os.FileMode{0, 0o644} {
			if mode != 0 { // as it was made once
				if err := os.Chmod(file, mode); err != nil {
					t.Fatal(err)
				}
			}
			out, err := p.change(t.Context(), "test", "umask; exit 0", nil)
			info, wrong := os.Stat(file)
			if err != nil || wrong != nil || info.Mode().Perm() != 0o600 || out != "0022\n" {
				t.Errorf("after %o: %v, %q, %v", mode, info.Mode(), out, errors.Join(err, wrong))
			}
		}
	})
}

// A directory is claimed under its lock, which a claim waits for as long as its guard says; and what belongs to another service is left
// without a trace.
func TestClaim(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.Directory = filepath.Join(p.Directory, "srv", "web")
		ctx := fence.With(t.Context(), fence.Fence{Ledger: "web", Epoch: 7})
		if _, err := p.effect(ctx, "place", p.claimScript(ctx), nil); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"service": "production/web\n", "epoch": "7 web\n"} {
			if got, err := os.ReadFile(filepath.Join(p.Directory, name)); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		other := p
		other.release = "production/other/1.0.0-00000000"
		theirs := fence.With(t.Context(), fence.Fence{Ledger: "other", Epoch: 9})
		_, err := other.effect(theirs, "place", other.claimScript(theirs), nil)
		if got, wrong := os.ReadFile(p.Directory + "/epoch"); err == nil || wrong != nil || string(got) != "7 web\n" {
			t.Errorf("%v: the epoch is %q, %v", err, got, wrong)
		}
		if script := p.claimScript(ctx); strings.Index(script, "flock") > strings.Index(script, `>"$dir/.service"`) {
			t.Error("it is claimed before the lock is taken")
		}
		stale := fence.With(t.Context(), fence.Fence{Ledger: "web", Epoch: 6, Valid: func() bool { return false }})
		if _, err := p.effect(stale, "place", "echo ran", nil); err == nil {
			t.Error("a run without its lease claims")
		}
	})
}

// A removal that is ended in the middle leaves no secrets behind: neither of what ran, nor of a start that was ended.
func TestRemovalThatIsEnded(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.program(t, "systemctl", "")
		secrets := []string{"slots/blue/0/environment", "slots/blue/0/credentials/token", ".incoming/0/environment"}
		for _, name := range append(secrets, "slots/blue/0/since") {
			p.file(t, name, "secret\n")
		}
		p.file(t, "slots/blue/0/release", string(p.release)+"\n")
		// It comes as far as the release's name, and is ended.
		p.program(t, "rm", "for last in \"$@\"; do :; done\ncase $last in */slots/blue/0) /bin/rm \"$last/release\"; kill -9 $PPID; exit ;; esac\nexec /bin/rm \"$@\"\n")
		m, r := p.platform(t)
		if err := m.Remove(t.Context(), r.Placement); err == nil {
			t.Fatal("it was not ended")
		}
		p.program(t, "rm", "exec /bin/rm \"$@\"\n")
		if err := m.Remove(t.Context(), r.Placement); err != nil {
			t.Fatal(err)
		}
		for _, name := range secrets {
			if _, err := os.Stat(filepath.Join(p.Directory, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Where sudo shows the rule by which a command is permitted, that tells whether it is without a password. Each command that a script may
// have to run is asked for.
func TestSudoRules(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.Sudo = true
		asked := filepath.Join(p.Directory, "asked")
		script := p.prelude() + "mine='web-blue-0.service web-blue-1.service' dropins='10-a.conf b.conf' existing=old.service\n" + sudoBody
		const rule = "Sudoers entry: /etc/sudoers\n    RunAsUsers: root\n    Options: %s\n    Commands:\n\t/usr/bin/what\n"
		for name, c := range map[string]struct{ answers, want string }{
			"free":         {fmt.Sprintf("case $2 in -ll) printf '"+rule+"' ;; esac", "setenv, !authenticate"), ""},
			"all are free": {fmt.Sprintf("case $2 in -ll) printf '"+rule+"' ;; esac", "setenv"), ""}, // by Defaults
			"one is not": {fmt.Sprintf("case $* in *-ll*' enable old.service') printf '"+rule+"' ;; -ll) printf '"+rule+"' ;; '-k -n -v') exit 1 ;; esac",
				"setenv", "!authenticate"), "may not run systemctl by sudo without a password (a password is required)"},
			"not shown": {"echo /usr/bin/what", ""},
			"one is refused when it is run": {"case $* in *' journalctl '*) case $* in *-ll*) ;; *) echo sudo: a password is required >&2; exit 1 ;; esac ;; esac",
				"may not run journalctl by sudo"},
		} {
			p.program(t, "sudo", "echo \"$*\" >>"+asked+"\n"+c.answers+"\n")
			if err := os.RemoveAll(asked); err != nil {
				t.Fatal(err)
			}
			out, err := p.look(t.Context(), script)
			if err != nil || (c.want == "") != (out == "") || !strings.Contains(out, c.want) {
				t.Errorf("%s: %q, %v", name, out, err)
			}
		}
		all, err := os.ReadFile(asked)
		if err != nil {
			t.Fatal(err)
		}
		// All units by one question, as they are started, stopped and removed by one command; and one alone, as it is mended.
		for _, command := range []string{
			"systemctl --no-ask-password daemon-reload", "systemctl --no-ask-password enable --now web-blue-0.service web-blue-1.service",
			"systemctl --no-ask-password disable --now --no-reload web-blue-0.service web-blue-1.service",
			"systemctl --no-ask-password stop web-blue-0.service web-blue-1.service",
			"systemctl --no-ask-password reset-failed web-blue-0.service web-blue-1.service",
			"systemctl --no-ask-password enable --now web-blue-0.service", "systemctl --no-ask-password disable --now --no-reload web-blue-0.service",
			"systemctl --no-ask-password stop web-blue-0.service", "systemctl --no-ask-password reset-failed web-blue-0.service",
			"install -m 0644 web-blue-0.service /etc/systemd/system/",
			"install -m 0644 web-blue-0.service web-blue-1.service /etc/systemd/system/",
			"rm -f /etc/systemd/system/web-blue-0.service /etc/systemd/system/web-blue-0.service.d/10-a.conf /etc/systemd/system/web-blue-0.service.d/b.conf " +
				"/etc/systemd/system/web-blue-1.service /etc/systemd/system/web-blue-1.service.d/10-a.conf /etc/systemd/system/web-blue-1.service.d/b.conf",
			"install -d -m 0755 /etc/systemd/system/web-blue-0.service.d", "install -d -m 0755 /etc/systemd/system/web-blue-1.service.d",
			"install -m 0644 web-blue-0.service.d/10-a.conf web-blue-0.service.d/b.conf /etc/systemd/system/web-blue-0.service.d/",
			"install -m 0644 web-blue-1.service.d/10-a.conf web-blue-1.service.d/b.conf /etc/systemd/system/web-blue-1.service.d/",
			"rm -d /etc/systemd/system/web-blue-0.service.d", "rm -d /etc/systemd/system/web-blue-1.service.d",
			"systemctl --no-ask-password start old.service", "systemctl --no-ask-password stop old.service",
			"systemctl --no-ask-password enable old.service", "systemctl --no-ask-password disable old.service", "journalctl -q --no-pager -n 1",
		} {
			if n := strings.Count(string(all), "-n -ll "+command+"\n"); n != 1 {
				t.Errorf("it is asked %d times for %s", n, command)
			}
		}
	})
}

// A release is placed also where files of older ones cannot be taken away, and that is told.
func TestPlacedBesideWhatCannotBeRemoved(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.program(t, "systemctl", "")
		p.program(t, "rm", "case $* in *removing*) exit 1 ;; esac\nexec /bin/rm \"$@\"\n")
		p.file(t, "releases/.0.9.0-00000000.removing.17/web", "")
		program := filepath.Join(t.TempDir(), "web")
		p.file(t, program, "#!/bin/sh\n")
		digest, err := artifact.Digest(t.Context(), program)
		if err != nil {
			t.Fatal(err)
		}
		m, r := p.platform(t)
		r.Content.Artifact = service.Reference{Path: program, Digest: digest}.String()
		placement, err := m.Place(t.Context(), r, p.slot)
		var left *delivery.OldFilesLeft
		if !errors.As(err, &left) || !strings.Contains(err.Error(), "remove older releases from "+p.Directory) || !placement.Placed() {
			t.Errorf("placed at %v: %v", placement, err)
		}
		if _, err := os.Stat(filepath.Join(p.Directory, "records", p.release.Label()+".json")); err != nil {
			t.Error(err)
		}
	})
}

// What was placed is known as it is, whatever its content holds. (The shell called sh of many machines has an echo that replaces escapes.)
func TestRecordsAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		m, r := p.platform(t)
		r.Content.Config = map[string]string{"LINES": "one\ntwo\r\n\ttabbed\n", "PATTERN": `^\d+\.\s*$ \\n \b\c \x41 \0101 %s`}
		record, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		p.file(t, "records/"+p.release.Label()+".json", string(record)+"\n")
		p.file(t, "releases/"+p.release.Label()+"/web", "")
		all, err := m.Releases(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		if diff := cmp.Diff(r, all[0]); diff != "" {
			t.Errorf("-placed +listed:\n%s", diff)
		}
	})
}

// Who listens where an instance does is found by IPv4 and IPv6, also where nobody else has a socket of IPv6; who listens at another address is no matter.
func TestWhoListensIsFound(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		for address, c := range map[string]struct{ at, elsewhere string }{
			"127.0.0.1": {at: "127.0.0.1", elsewhere: "127.0.0.2"}, "127.0.0.3": {at: "[::]"}, "::1": {at: "[::1]", elsewhere: "127.0.0.1"}, "10.0.0.11": {at: "0.0.0.0"},
		} {
			open := func(at string) int {
				listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = listener.Close() })
				return listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of tcp
			}
			port := open(c.at + ":0")
			if c.elsewhere != "" {
				open(c.elsewhere + ":" + strconv.Itoa(port))
			}
			one := p
			one.address, one.instances = address, []instance{{port: port}}
			out, err := one.look(t.Context(), one.prelude()+"listeners "+shellword.Quote(one.listening()))
			found := readSockets(strings.Split(out, "\n"))
			if err != nil || len(found) == 0 || strings.Contains(inodes(found), " ") || found[0].port != port || !found[0].accepts(address) {
				t.Errorf("at %s, of what listens at %s and %s: %v, %v", address, c.at, c.elsewhere, found, err)
			}
		}
	})
}

// A journal that hangs when it is to take in what it was told holds up nobody for long: not who starts, stops or looks, nor, by the lock, others.
func TestJournalThatHangs(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		start := p.starts(t)
		p.started(t)
		m, r := p.platform(t)
		p.program(t, "journalctl", "case $* in *--sync*) exec sleep 120 ;; *'--since='*) echo 1795674890.6 a line ;; esac\n")
		for name, c := range map[string]struct {
			systemctl string
			do        func(context.Context) error
		}{
			"start": {
				"case $* in *' enable '*) echo Job failed >&2; exit 1 ;; *'-p ExecMainPID '*) printf 'Result=exit-code\\nExecMainPID=0\\nExecMainStatus=0\\nActiveState=activating\\nSubState=auto-restart\\n' ;; esac\n",
				func(ctx context.Context) error {
					if err := start(ctx); err == nil || !strings.Contains(err.Error(), "systemd did not start it") {
						return fmt.Errorf("it is said to start: %w", err)
					}
					return nil
				},
			},
			"stop": {
				"case $* in *'--value -p ActiveState'*) echo inactive ;; show*) printf 'Id=" + blueUnit + "\\nLoadState=loaded\\nActiveState=active\\nEnvironment=DEPLOY_RELEASE=" + string(p.release) + "\\n' ;; esac\n",
				func(ctx context.Context) error { return m.Stop(ctx, r.Placement) },
			},
			"log": {"", func(ctx context.Context) error { _, err := m.Logs(ctx, r.Placement, 10); return err }},
		} {
			p.program(t, "systemctl", c.systemctl)
			bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := c.do(bounded); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
		}
	})
}
