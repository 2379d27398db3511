package acceptance_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRestoreProcedureByHand(t *testing.T) {
	t.Parallel()
	followProcedure(t, newRig(t, true))
}

// followProcedure follows the restore procedure of a checkpoint to the letter, after a release went through: what ran
// before runs again, and the data is what it was.
func followProcedure(t *testing.T, r *rig) {
	t.Helper()
	uploads := filepath.Join(r.host, "uploads")
	if err := os.MkdirAll(uploads, 0o755); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(uploads, "note.txt")
	writeFile(t, note, "as it was")
	r.write(withBackup(r, "1", uploads))
	r.apply(0)
	r.write(withBackup(r, "2", uploads))
	r.apply(0)
	r.runs("2")
	writeFile(t, note, "spoilt by version 2")
	writeFile(t, filepath.Join(uploads, "new.txt"), "written since")

	procedure, found := r.stateOf("deploy_checkpoint.web", "restore_procedure")
	text, _ := procedure.(string)
	if !found || !strings.Contains(text, "uploads") {
		t.Fatalf("the state has no procedure: %v", procedure)
	}
	bin := t.TempDir()
	if err := os.Symlink(built.provider, filepath.Join(bin, "terraform-provider-deploy")); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(context.Background(), "bash", "-e", "-c", text)
	shell.Env = append(cleanEnvironment(), "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s\nthe procedure:\n%s", err, out, text)
	}
	r.runs("1")
	if data, err := os.ReadFile(note); err != nil || string(data) != "as it was" {
		t.Errorf("the data is %q (%v)", data, err)
	}
	if _, err := os.Stat(filepath.Join(uploads, "new.txt")); err == nil {
		t.Error("what was written since is still there")
	}
}

// withBackup is a configuration whose checkpoint saves a directory.
func withBackup(r *rig, version, directory string) string {
	return strings.Replace(config{Version: version}.hcl(r), "resource \"deploy_checkpoint\" \"web\" {",
		"resource \"deploy_checkpoint\" \"web\" {\n  backups = { uploads = { files = { path = \""+directory+"\" } } }", 1)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
