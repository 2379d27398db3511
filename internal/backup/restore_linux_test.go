package backup

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRestoreIsOneStep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads")
	write(t, filepath.Join(path, "x"), "x", 0o600)
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	end, missed := make(chan struct{}), make(chan int)
	go func() {
		count := 0
		for {
			select {
			case <-end:
				missed <- count
				return
			default:
				if _, err := os.Lstat(filepath.Join(path, "x")); err != nil {
					count++
				}
			}
		}
	}()
	for range 30 {
		must(t, b.Restore(t.Context(), dir))
	}
	close(end)
	if count := <-missed; count > 0 {
		t.Errorf("%d times it was not there", count)
	}
}

// TestRestoreOntoMounts runs itself in a mount namespace of its own, which ends with it.
func TestRestoreOntoMounts(t *testing.T) {
	if os.Getenv(helperMount) != "" {
		onMounts(t)
		return
	}
	missing := func(format string, args ...any) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		missing("unshare is missing: apt-get install util-linux")
	}
	arguments := []string{"--mount"}
	if os.Geteuid() != 0 {
		arguments = append(arguments, "--user", "--map-root-user")
	}
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	if output, err := exec.CommandContext(ctx, unshare, append(arguments, "true")...).CombinedOutput(); err != nil { //nolint:gosec // unshare
		missing("mounts of one's own are not allowed here (%s): sysctl -w kernel.unprivileged_userns_clone=1, or run as root", output)
	}
	cmd := helper(ctx, "TestRestoreOntoMounts", helperMount+"=1")
	cmd.Path = unshare
	cmd.Args = append(append([]string{unshare}, arguments...), cmd.Args...)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func onMounts(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "uploads")
	mounts := map[string]func(){
		"another file system": func() { must(t, syscall.Mount("tmpfs", path, "tmpfs", 0, "size=64m")) },
		"the same one, bound": func() { must(t, syscall.Mount(t.TempDir(), path, "", syscall.MS_BIND, "")) },
	}
	for name, mount := range mounts {
		t.Run(name, func(t *testing.T) {
			must(t, os.MkdirAll(path, 0o700))
			mount()
			defer func() { must(t, syscall.Unmount(path, 0)) }()
			grow(t, path)
			want := look(t, path)
			b := newFiles(t, path)
			dir, _ := saved(t, b)
			for way, restore := range ways {
				disturb(t, path)
				// What a restore that was killed leaves inside, and a backup does not take along.
				write(t, filepath.Join(path, ".uploads"+stagingSuffix, "content", "half"), "x", 0o600)
				must(t, restore(t, b, dir))
				if diff := cmp.Diff(want, look(t, path)); diff != "" {
					t.Errorf("%s: %s", way, diff)
				}
			}
			if err := os.Rename(path, path+".moved"); !errors.Is(err, syscall.EBUSY) {
				t.Errorf("it is no mount point any more: %v", err)
			}
		})
	}
	t.Run("a bound file", func(t *testing.T) {
		file, source := filepath.Join(parent, "flags"), filepath.Join(t.TempDir(), "source")
		write(t, file, "", 0o600)
		write(t, source, "good", 0o640)
		must(t, syscall.Mount(source, file, "", syscall.MS_BIND, ""))
		defer func() { must(t, syscall.Unmount(file, 0)) }()
		want := look(t, file)
		b := newFiles(t, file)
		dir, _ := saved(t, b)
		write(t, file, "bad, and longer", 0o666)
		must(t, b.Restore(t.Context(), dir))
		if diff := cmp.Diff(want, look(t, file)); diff != "" {
			t.Error(diff)
		}
	})
}
