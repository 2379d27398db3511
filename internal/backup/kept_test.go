package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
)

const key = "production/web/backups/0001/uploads.tar"

// staging has the test's backups pass through a directory of its own, which is empty again at the end.
func staging(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	})
}

func TestKeptBackupOfFilesComesBack(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "uploads")
	grow(t, tree)
	before := look(t, tree)
	inner := newFiles(t, tree)
	staging(t)
	objects, err := local.Open(t.TempDir())
	must(t, err)
	b := Kept(inner, objects)
	files, err := b.Save(t.Context(), key)
	must(t, err)
	must(t, b.Verify(t.Context(), key, files))
	must(t, os.RemoveAll(tree))
	must(t, b.Restore(t.Context(), key))
	if diff := cmp.Diff(before, look(t, tree)); diff != "" {
		t.Error(diff)
	}
}

func TestKeptBackupThatLacksSomethingIsFound(t *testing.T) {
	staging(t)
	objects, err := local.Open(t.TempDir())
	must(t, err)
	b := Kept(newCommand(t, `echo one >"$DEPLOY_BACKUP/one"; mkdir "$DEPLOY_BACKUP/.sub"; echo two >"$DEPLOY_BACKUP/.sub/two"`, "true", nil), objects)
	files, err := b.Save(t.Context(), key)
	must(t, err)
	must(t, b.Verify(t.Context(), key, files))
	more := append([]service.BackupFile{{Name: "three", Size: 1, SHA256: files[0].SHA256}}, files...)
	if err := b.Verify(t.Context(), key, more); err == nil || !strings.Contains(err.Error(), "three is missing") {
		t.Errorf("a file that is not there: %v", err)
	}
	object, err := objects.Get(t.Context(), key)
	must(t, err)
	must(t, objects.Put(t.Context(), key, object.Data[:len(object.Data)/3]))
	if err := b.Verify(t.Context(), key, files); err == nil {
		t.Error("a third of the archive is found in order")
	}
	must(t, objects.Delete(t.Context(), key))
	for what, err := range map[string]error{"verify": b.Verify(t.Context(), key, files), "restore": b.Restore(t.Context(), key)} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s of what is not there: %v", what, err)
		}
	}
}

// full takes nothing.
type full struct{ Objects }

func (full) URL() string { return "s3://full" }
func (full) Upload(_ context.Context, _ string, r io.Reader) error {
	_, _ = io.CopyN(io.Discard, r, 10)
	return errors.New("no room")
}

func TestKeptBackupThatCannotBeSentIsAnError(t *testing.T) {
	staging(t)
	b := Kept(newCommand(t, `head -c 1000000 /dev/zero >"$DEPLOY_BACKUP/a"`, "true", nil), full{})
	if files, err := b.Save(t.Context(), key); err == nil || files != nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("%v, %v", files, err)
	}
}

func TestProcedureOfAKeptBackupFetchesIt(t *testing.T) {
	lines := Kept(newFiles(t, filepath.Join(t.TempDir(), "it's")), full{}).Procedure(key)
	const dir = "/var/tmp/production-web-backups-0001-uploads.tar"
	if lines[0] != "rm -rf '"+dir+"'" || lines[1] != "terraform-provider-deploy fetch '"+key+"' '"+dir+"' --store 's3://full'" || !strings.Contains(strings.Join(lines[2:], "\n"), dir) {
		t.Errorf("%q", lines)
	}
}
