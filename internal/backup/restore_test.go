package backup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Variables that make a run of the test binary a helper of a test.
const (
	helperPath  = "BACKUP_TEST_PATH"
	helperDir   = "BACKUP_TEST_DIR"
	helperMount = "BACKUP_TEST_MOUNT"
)

// TestHelperRestore is no test: it restores until it is killed.
func TestHelperRestore(t *testing.T) {
	path := os.Getenv(helperPath)
	if path == "" {
		t.Skip("only run by another test")
	}
	b := newFiles(t, path)
	for {
		must(t, b.Restore(t.Context(), os.Getenv(helperDir)))
	}
}

// helper runs one test of this binary with more in its environment.
func helper(ctx context.Context, test string, environment ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$", "-test.v") //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), environment...)
	return cmd
}

func TestRestoreKilledInTheMiddle(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "uploads")
	grow(t, path)
	for i := range 200 {
		write(t, filepath.Join(path, "many", fmt.Sprint(i)), fmt.Sprint("content ", i), 0o644)
	}
	want := look(t, path)
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	between := 0
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), generous)
		cmd := helper(ctx, "TestHelperRestore", helperPath+"="+path, helperDir+"="+dir)
		must(t, cmd.Start())
		// No instant is better than another: these are some of them. The first wait is for it to begin.
		begun := filepath.Join(parent, ".uploads"+stagingSuffix)
		for deadline := time.Now().Add(generous); ; {
			if _, err := os.Lstat(begun); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it does not begin")
			}
		}
		time.Sleep(time.Duration(i) * 5 * time.Millisecond)
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		cancel()
		if entries, err := os.ReadDir(parent); err != nil {
			t.Fatal(err)
		} else if len(entries) > 1 {
			between++
		}
		// Whole at any instant, as each restore before it left it.
		if diff := cmp.Diff(want, look(t, path)); diff != "" {
			t.Fatalf("after kill %d: %s", i, diff)
		}
		must(t, b.Restore(t.Context(), dir))
		if diff := cmp.Diff(want, look(t, path)); diff != "" {
			t.Fatalf("restored after kill %d: %s", i, diff)
		}
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Errorf("beside it is %v, %v", entries, err)
		}
	}
	if between == 0 {
		t.Error("no kill met a restore in its middle: this test shows nothing")
	}
}

func TestRestoreKilledBetweenTwoRenames(t *testing.T) {
	// Where two paths cannot be exchanged at once, a kill may leave this.
	parent := t.TempDir()
	path := filepath.Join(parent, "uploads")
	grow(t, path)
	want := look(t, path)
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	must(t, os.Rename(path, filepath.Join(parent, ".uploads"+replacedSuffix)))
	write(t, filepath.Join(parent, ".uploads"+stagingSuffix, "content", "half"), "x", 0o600)
	must(t, b.Restore(t.Context(), dir))
	if diff := cmp.Diff(want, look(t, path)); diff != "" {
		t.Error(diff)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("beside it is %v, %v", entries, err)
	}
}
