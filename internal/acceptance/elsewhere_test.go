package acceptance_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// otherMachine makes commands run on what looks like another machine: with a machine-id(5) of its own, and without the directory that the
// service runs in. The store is there, as a bucket would be.
func (r *rig) otherMachine() func(name string, args ...string) *exec.Cmd {
	r.t.Helper()
	if os.Geteuid() != 0 {
		missing(r.t, "what looks like another machine takes a mount namespace: run as root")
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		missing(r.t, "unshare is missing: apt-get install util-linux")
	}
	// Where this machine has no machine-id(5), the other one is told from it all the same.
	if _, err := os.Stat("/etc/machine-id"); err != nil {
		missing(r.t, "/etc/machine-id is missing, to be another one there: systemd-machine-id-setup")
	}
	id := filepath.Join(r.t.TempDir(), "machine-id")
	if err := os.WriteFile(id, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	const script = `mount --bind "$1" /etc/machine-id && mount -t tmpfs none "$2" && shift 2 && exec "$@"`
	return func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), "unshare", append([]string{"--mount", "sh", "-c", script, "sh", id, r.host, name}, args...)...)
		cmd.Dir = r.dir
		cmd.Env = append(cleanEnvironment(), r.env...)
		return cmd
	}
}

// missing fails in CI, and elsewhere skips.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// On another machine than the one where a service runs, the commands that read, and those that work on the record, do what they do;
// those that would touch what runs touch nothing, say where it is, and leave it to be recovered there. So does an apply.
func TestFromAnotherMachine(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	on := r.otherMachine()
	r.deploy(config{Version: "1"})
	killedInTheSplit(r)
	before, processes, share := r.view(web).State.Number, r.processes(), readAll(r.ShareFile())

	command := func(code int, args ...string) string {
		t.Helper()
		cmd := on(built.provider, append(args, "--store", r.storeURL)...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("%s: %v, want exit code %d:\n%s", strings.Join(args, " "), cmd.ProcessState, code, out)
		}
		return string(out)
	}
	if out := command(0, "history"); !strings.Contains(out, "interrupted") {
		t.Errorf("history does not say that it is interrupted:\n%s", out)
	}
	if out := command(0, "report", string(web)); !strings.Contains(out, string(web)) {
		t.Errorf("report:\n%s", out)
	}
	for _, args := range [][]string{
		{"recover", string(web), "--yes"}, {"rollback", string(web), "--yes"},
		{"accept", string(web), "--yes"}, {"restore", string(web), "2", "--yes"},
	} {
		if out := flat(command(1, args...)); !strings.Contains(out, "Service Out Of Reach") || !strings.Contains(out, "which has no such directory") {
			t.Errorf("%s does not say that it is elsewhere:\n%s", strings.Join(args, " "), out)
		}
	}
	// A timer on each machine recovers what runs there: of the others it says that it left them alone, and that is no failure.
	if out := flat(command(0, "recover", "--all", "--yes")); !strings.Contains(out, string(web)+": left alone: ") || !strings.Contains(out, "which has no such directory") {
		t.Errorf("recover --all:\n%s", out)
	}
	apply := r.command(context.Background(), "apply", "-auto-approve", "-no-color", "-input=false")
	there := on(apply.Path, apply.Args[1:]...)
	there.Env = apply.Env
	out, err := there.CombinedOutput()
	if exit := (&exec.ExitError{}); !errors.As(err, &exit) || !strings.Contains(flat(string(out)), "Service Out Of Reach") {
		t.Errorf("an apply from there: %v\n%s", err, out)
	}
	command(0, "unhold", string(web), "--yes")

	if after := r.view(web).State; after.OpenAttempt() == nil || len(after.Held) > 0 {
		t.Errorf("what was interrupted is not any more: %+v", after)
	} else if after.Number > before+2 { // unhold takes the lease and gives it back
		t.Errorf("events after %d: up to %d", before, after.Number)
	}
	if after := r.processes(); !slices.Equal(after, processes) {
		t.Errorf("processes were %v and are %v", processes, after)
	}
	if after := readAll(r.ShareFile()); after != share {
		t.Errorf("the share was %q and is %q", share, after)
	}
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	r.oneEndEach()
}

// A store on a disk that a group shares: another of its users reads what an apply wrote, is told whose the release is, and touches nothing.
func TestAsAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		missing(t, "only root can act as another user: run as root")
	}
	const user, group = 54321, 54322
	r := newRig(t, true)
	if err := errors.Join(os.Mkdir(r.store, 0o700), os.Chown(r.store, 0, group), os.Chmod(r.store, 0o770|fs.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	r.deploy(config{Version: "1"})
	killedInTheSplit(r)
	// A directory of its own, with the program in it: what is above the tests' own is closed to others.
	home, err := os.MkdirTemp("/var/tmp", "deploy-user-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	program := filepath.Join(home, "terraform-provider-deploy")
	// By a process of its own: what this one writes, a fork of another test may hold open for writing, and it could not be run.
	if out, err := exec.CommandContext(context.Background(), "install", "-m", "755", built.provider, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := errors.Join(os.Chown(home, user, group), openAbove(t, r.store)); err != nil {
		t.Fatal(err)
	}
	command := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(context.Background(), program, append(args, "--store", r.storeURL)...)
		cmd.Dir, cmd.Env = home, append(cleanEnvironment(), "HOME="+home)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: group}}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("%s: %v, want exit code %d:\n%s", strings.Join(args, " "), err, code, out)
		}
		return string(out)
	}
	if out := command(0, "history"); !strings.Contains(out, "interrupted") {
		t.Errorf("history:\n%s", out)
	}
	command(0, "report", string(web))
	if out := flat(command(1, "recover", string(web), "--yes")); !strings.Contains(out, "Service Out Of Reach") || !strings.Contains(out, "by the user root, and this runs as 54321") || !strings.Contains(out, "as that user (sudo -u root …)") {
		t.Errorf("recover does not say whose it is:\n%s", out)
	}
	// A timer of the wrong user must not look as if all were well.
	if out := flat(command(1, "recover", "--all", "--yes")); !strings.Contains(out, string(web)+": NOT recovered: Service Out Of Reach") {
		t.Errorf("recover --all:\n%s", out)
	}
	command(0, "unhold", string(web), "--yes")
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	// And who made it reads on in what the other one wrote.
	r.deploy(config{Version: "2"})
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

// openAbove lets others pass through the directories above a test's.
func openAbove(t *testing.T, path string) error {
	t.Helper()
	for dir := filepath.Dir(path); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // a test's own
			return err
		}
	}
	return nil
}
