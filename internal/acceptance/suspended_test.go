package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A run that is suspended right before a change takes effect, past its lease, is taken over. When it goes on it changes
// nothing: not the ledger, not the router, not what runs, not the data.
func TestSuspendedRunChangesNothing(t *testing.T) {
	t.Parallel()
	update := scenario{name: "suspended", base: config{Version: "1"}, release: config{Version: "2"}, reverted: config{Version: "1"}}
	restore := scenario{name: "suspended-restore", base: config{Version: "1"}, release: failing(service.StageVerification, "2"), reverted: config{Version: "1"}, fails: true}
	var data scenario
	for _, s := range scenarios() {
		if s.name == "operator-restore" {
			data = s
		}
	}
	for _, s := range []struct {
		scenario
		// where: each point of the recorded run that says so.
		where []string
	}{
		{update, []string{"in place", "in start", "in weights", "in stop", "before stage_passed"}},
		{restore, []string{"in remove", "before traffic first"}},
		{data, []string{"in change restore", "in data"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			points := s.points(t)
			for _, where := range s.where {
				point := 1 + slices.IndexFunc(points, func(p string) bool { return strings.HasPrefix(p, where) })
				if point == 0 {
					t.Fatalf("the run has no point %q: %v", where, points)
				}
				t.Run(strings.ReplaceAll(where, " ", "-"), func(t *testing.T) { s.suspended(t, point) })
			}
		})
	}
}

func (s scenario) suspended(t *testing.T, point int) {
	r := s.rig(t)
	run := s.begin(r, "DEPLOY_CRASH_SUSPEND=1", fmt.Sprintf("DEPLOY_CRASH_AT=%d", point))
	provider := 0
	r.await("the provider to be suspended", func() bool {
		for _, process := range append(childrenOf(run.Process.Pid), run.Process.Pid) {
			if stopped(process) {
				provider = process
			}
		}
		return provider != 0
	})
	defer func() { _ = syscall.Kill(provider, syscall.SIGCONT) }()
	// Its process is there, so only its silence speaks.
	r.operator(0, "recover", string(web), "--yes")
	view := r.view(web)
	stands := view.State.StableRelease()
	if stands == nil || view.State.OpenAttempt() != nil && view.State.OpenAttempt().Busy() {
		t.Fatalf("the service is not recovered: %+v", view.State)
	}
	if s.backups { // What users write from now on is not to be lost.
		r.uploadsAreBack()
		r.spoilUploads()
	}
	before, share, uploads := r.processes(), readAll(r.ShareFile()), r.tree(r.uploads())
	if err := syscall.Kill(provider, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// Suspended behind its end it has nothing to be sorry for.
	if code := r.wait(run); code == 0 && stands.ID.Version() != s.release.Version {
		t.Errorf("the run that was suspended says that all is well:\n%s", run.output.String())
	}
	r.await("the provider to end", func() bool { return syscall.Kill(provider, 0) != nil })
	if after := r.view(web).State.Number; after != view.State.Number {
		t.Errorf("event %d was written after event %d, the last of the run that took over", after, view.State.Number)
	}
	if after := r.processes(); !slices.Equal(before, after) {
		t.Errorf("processes were %v and are %v", before, after)
	}
	if after := readAll(r.ShareFile()); after != share {
		t.Errorf("the share was %q and is %q", share, after)
	}
	if after := r.tree(r.uploads()); after != uploads {
		t.Errorf("the data was %s and is %s", uploads, after)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(r.ShareFile()), ".*.next.*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if view.State.OpenAttempt() == nil {
		r.runs(stands.ID.Version())
	}
	if s.command == nil { // An operator's command was carried out by the recovery: given again, it would be another one.
		s.same(r, "")
	}
	r.oneEndEach()
	if t.Failed() {
		t.Logf("the run that was suspended:\n%s", run.output.String())
	}
}

// stopped tells whether a process is suspended.
func stopped(pid int) bool {
	status, err := os.ReadFile(procPath(pid, "status"))
	return err == nil && strings.Contains(string(status), "\nState:\tT")
}

// tree is all that is in and beside a directory, with what is in its files; empty where it is not there.
func (r *rig) tree(root string) string {
	r.t.Helper()
	var all []string
	beside, _ := filepath.Glob(filepath.Join(filepath.Dir(root), "*"+filepath.Base(root)+"*"))
	for _, path := range beside {
		_ = filepath.WalkDir(path, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				path += ": " + readAll(path)
			}
			all = append(all, path)
			return nil
		})
	}
	return strings.Join(all, "\n")
}

func readAll(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
