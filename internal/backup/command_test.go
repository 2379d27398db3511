package backup

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func newCommand(t *testing.T, save, restore string, change func(*service.CommandBackup)) delivery.Backup {
	t.Helper()
	c := service.CommandBackup{Save: []string{"sh", "-ec", save}, Restore: []string{"sh", "-ec", restore}, Timeout: service.Duration(generous)}
	if change != nil {
		change(&c)
	}
	b, err := New("flags", service.Backup{Command: &c, OnRestore: "discard"}, credentials{"orders_db": "s3cr3t value"})
	must(t, err)
	return b
}

func TestCommandSavesAndRestores(t *testing.T) {
	state := filepath.Join(t.TempDir(), "it's the state")
	write(t, state, "good", 0o600)
	b := newCommand(t,
		`mkdir "$DEPLOY_BACKUP/sub"; cp "$STATE" "$DEPLOY_BACKUP/sub/state"; echo "$PASSWORD" | sha256sum >"$DEPLOY_BACKUP/proof"`,
		`echo "$PASSWORD" | sha256sum --check --status "$DEPLOY_BACKUP/proof"; cp "$DEPLOY_BACKUP/sub/state" "$STATE"`,
		func(c *service.CommandBackup) {
			c.Environment, c.Secrets = map[string]string{"STATE": state}, map[string]string{"PASSWORD": "orders_db"}
		})
	dir, files := saved(t, b)
	if len(files) != 2 || files[0].Name != "proof" || files[1].Name != "sub/state" || files[1].Size != 4 {
		t.Errorf("saved %+v", files)
	}
	again := func(what string) {
		t.Helper()
		if content, err := os.ReadFile(state); err != nil || string(content) != "good" { //nolint:gosec // a test's files
			t.Errorf("%s: %q, %v", what, content, err)
		}
		write(t, state, "bad", 0o600)
	}
	write(t, state, "bad", 0o600)
	must(t, b.Restore(t.Context(), dir))
	again("restored")

	procedure := strings.Join(b.Procedure(dir), "\n")
	if !strings.Contains(procedure, `: "${PASSWORD:?set it to the credential orders_db}"`) || strings.Contains(procedure, "s3cr3t") {
		t.Errorf("procedure:\n%s", procedure)
	}
	if err := byHand(t, b, dir); err == nil || !strings.Contains(err.Error(), "set it to the credential orders_db") {
		t.Errorf("without the secret: %v", err)
	}
	// As a person does: set in the shell, and not exported.
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", "PASSWORD='s3cr3t value'\n"+procedure) //nolint:gosec // the procedure
	cmd.Dir = "/"
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("by hand: %v\n%s", err, output)
	}
	again("by hand")

	must(t, os.Remove(filepath.Join(dir, "sub", "state")))
	if err := b.Verify(t.Context(), dir, files); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("a file less: %v", err)
	}
}

func TestCommandSaveFails(t *testing.T) {
	for name, c := range map[string]struct{ save, why string }{
		"wrote nothing":      {`:`, "wrote nothing"},
		"wrote empty files":  {`: >"$DEPLOY_BACKUP/a"; : >"$DEPLOY_BACKUP/b"`, "wrote nothing"},
		"wrote a directory":  {`mkdir "$DEPLOY_BACKUP/a"`, "wrote nothing"},
		"wrote a link":       {`ln -s /etc/passwd "$DEPLOY_BACKUP/a"`, "not a regular file"},
		"failed":             {`echo x >"$DEPLOY_BACKUP/a"; echo "no space for $PASSWORD" >&2; exit 3`, "exit status 3; the end of its output:\nno space for ***"},
		"removed it":         {`rmdir "$DEPLOY_BACKUP"`, "no such file"},
		"killed itself":      {`echo x >"$DEPLOY_BACKUP/a"; kill -9 $$`, "killed"},
		"relied on our own":  {`echo "${OUR_TOKEN:?not here}" >"$DEPLOY_BACKUP/a"`, "not here"},
		"relied on relative": {`case "$DEPLOY_BACKUP" in /*) exit 4;; esac`, "exit status 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OUR_TOKEN", "ours alone")
			b := newCommand(t, c.save, "true", func(c *service.CommandBackup) { c.Secrets = map[string]string{"PASSWORD": "orders_db"} })
			files, err := b.Save(t.Context(), filepath.Join(t.TempDir(), "b"))
			if err == nil || len(files) > 0 || !strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), `save backup "flags"`) {
				t.Errorf("saved %v, %v", files, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("shows the secret: %v", err)
			}
		})
	}
	t.Run("unknown credential", func(t *testing.T) {
		b := newCommand(t, `echo x >"$DEPLOY_BACKUP/a"`, "true", func(c *service.CommandBackup) { c.Secrets = map[string]string{"P": "unknown"} })
		if _, err := b.Save(t.Context(), filepath.Join(t.TempDir(), "b")); err == nil || !strings.Contains(err.Error(), "DEPLOY_CREDENTIAL_UNKNOWN") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("not a new directory", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "of before"), "x", 0o600)
		if _, err := newCommand(t, ":", "true", nil).Save(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("error %v", err)
		}
	})
}

func TestCommandRestoreFails(t *testing.T) {
	b := newCommand(t, `echo x >"$DEPLOY_BACKUP/a"`, `echo "not today"; exit 7`, nil)
	dir, _ := saved(t, b)
	if err := b.Restore(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "not today") {
		t.Errorf("error %v", err)
	}
	if err := newCommand(t, ":", "true", nil).Restore(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "nothing to restore") {
		t.Errorf("of an empty directory: %v", err)
	}
	if err := newCommand(t, ":", "true", nil).Restore(t.Context(), filepath.Join(dir, "nothing")); err == nil {
		t.Error("of no directory: no error")
	}
}

func TestCommandTimeLimitEndsTheGroup(t *testing.T) {
	// Twice as long where the program had not written its pid by then: the machine may be busy, or pause.
	for limit, pid := 500*time.Millisecond, ""; pid == ""; limit *= 2 {
		if limit > generous {
			t.Fatal("the program did not write its pid")
		}
		b := newCommand(t, `sh -c 'trap "" TERM; echo $$ >"$DEPLOY_BACKUP/pid"; while :; do sleep 0.1; done' & wait`, "true",
			func(c *service.CommandBackup) { c.Timeout = service.Duration(limit) })
		dir := filepath.Join(t.TempDir(), "b")
		_, err := b.Save(t.Context(), dir)
		if err == nil || !strings.Contains(err.Error(), "longer than "+limit.String()) {
			t.Errorf("error %v", err)
		}
		if pid = pidIn(filepath.Join(dir, "pid")); pid != "" {
			gone(t, pid)
		}
	}
}

func TestCommandEndsWithItsContext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		for deadline := time.Now().Add(generous); pidIn(filepath.Join(dir, "pid")) == "" && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
	}()
	b := newCommand(t, `echo $$ >"$DEPLOY_BACKUP/pid"; exec sleep 3600`, "true", func(c *service.CommandBackup) { c.Timeout = service.Duration(time.Hour) })
	if _, err := b.Save(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	pid := pidIn(filepath.Join(dir, "pid"))
	if pid == "" {
		t.Fatal("the program did not write its pid")
	}
	gone(t, pid)
}

// pidIn is the line in a file, empty where there is none yet.
func pidIn(file string) string {
	content, err := os.ReadFile(file) //nolint:gosec // a test's files
	if err != nil || !strings.HasSuffix(string(content), "\n") {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// gone waits until no process has this pid; the one that was there is not ours to collect.
func gone(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(generous); ; {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "stat")) //nolint:gosec // of a test's process
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return
		}
		// Ended, and not yet collected.
		if _, rest, found := strings.Cut(string(status), ") "); found && strings.HasPrefix(rest, "Z") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %s is still there", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
