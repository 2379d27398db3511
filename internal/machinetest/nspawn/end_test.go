package nspawn

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

// generous bounds what must happen.
const generous = time.Minute

// asOwner makes this program one that starts a machine, says which processes hold it, and waits for its end.
const asOwner = "be the owner of a machine"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == asOwner {
		hosts, err := Start(context.Background(), Options{Tree: os.Args[2]}, "a")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(hosts[0].command.Process.Pid, hosts[0].Address, os.Getpid())
		select {}
	}
	os.Exit(m.Run())
}

func tree(t *testing.T) string {
	t.Helper()
	found, err := Tree("../../..")
	if err != nil {
		component.Missing(t, err.Error())
	}
	return found
}

// held is what a machine consists of on this one.
type held struct {
	processes []int // descriptors that hold on to them
	paths     []string
}

// hold finds what a machine consists of.
func hold(t *testing.T, supervisor int, group string) held {
	t.Helper()
	var h held
	for left := []int{supervisor}; len(left) > 0; left = append(left[1:], children(left[0])...) {
		descriptor, err := unix.PidfdOpen(left[0], 0)
		if err != nil {
			continue // It ended just now.
		}
		t.Cleanup(func() { _ = unix.Close(descriptor) })
		h.processes = append(h.processes, descriptor)
	}
	console, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", supervisor))
	if err != nil {
		t.Fatal(err)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/" + group)
	more, _ := filepath.Glob("/sys/fs/cgroup/*/" + group)
	if h.paths = append(append(groups, more...), filepath.Dir(console)); err != nil || len(h.paths) < 2 || len(h.processes) < 10 {
		t.Fatalf("a machine consists of %d processes and %v, %v", len(h.processes), h.paths, err)
	}
	return h
}

// gone waits until nothing is left.
func (h held) gone(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(generous)
	for _, descriptor := range h.processes {
		ended := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(ended, int(max(0, time.Until(deadline)).Milliseconds()))
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				t.Errorf("a process of the machine is left: %v", err)
			}
			break
		}
	}
	for _, path := range h.paths {
		for {
			if _, err := os.Stat(path); os.IsNotExist(err) {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s is left", path)
				break
			}
			time.Sleep(look)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), "/run/machine") {
		t.Errorf("a mount of a machine is here, %v", err)
	}
}

func group(h *Host) string { return fmt.Sprintf("machine-%d-%s", os.Getpid(), h.Address) }

func TestNothingIsLeft(t *testing.T) {
	hosts, err := Start(t.Context(), Options{Tree: tree(t)}, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		what := hold(t, h.command.Process.Pid, group(h))
		if err := h.End(); err != nil {
			t.Error(err)
		}
		what.gone(t)
		if err := h.End(); err != nil {
			t.Errorf("the second time: %v", err)
		}
		if _, err := h.Run(t.Context(), "true"); err == nil {
			t.Error("a script runs in a machine that was ended")
		}
		if !strings.Contains(h.Log(t.Context()), "Reached target") {
			t.Error("the log does not tell of the boot")
		}
	}
}

func TestAKilledOwner(t *testing.T) {
	owner := exec.CommandContext(t.Context(), os.Args[0], asOwner, tree(t))
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err == nil {
		err = owner.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	said := strings.Fields(lines.Text())
	if len(said) != 3 {
		_ = owner.Process.Kill()
		t.Fatalf("the owner said %q: %v", said, owner.Wait())
	}
	supervisor, err := strconv.Atoi(said[0])
	if err != nil {
		t.Fatal(err)
	}
	what := hold(t, supervisor, "machine-"+said[2]+"-"+said[1])
	_ = owner.Process.Kill()
	_ = owner.Wait()
	what.gone(t)
}

func TestALimit(t *testing.T) {
	// Whether it is up before that depends on how busy this machine is.
	hosts, err := Start(t.Context(), Options{Tree: tree(t), Limit: 2 * time.Second}, "a")
	if err != nil {
		if !strings.Contains(err.Error(), "supervisor ended") && !strings.Contains(err.Error(), "went off") {
			t.Error(err)
		}
		return
	}
	select {
	case <-hosts[0].ended:
	case <-time.After(generous):
		t.Error("a machine lives longer than its limit")
	}
	if err := hosts[0].End(); err != nil {
		t.Error(err)
	}
}

func TestAMachineThatCannotBoot(t *testing.T) {
	_ = tree(t)
	empty := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	if _, err := Start(ctx, Options{Tree: empty}, "a"); err == nil || !strings.Contains(err.Error(), "went off") || !strings.Contains(err.Error(), "console of machine a") {
		t.Errorf("error %v", err)
	}
}

func TestTreeSaysWhatIsMissing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Setenv(TreeVariable, t.TempDir())
	if _, err := Tree("../../.."); err == nil || !strings.Contains(err.Error(), "make components") {
		t.Errorf("error %v", err)
	}
	t.Setenv(TreeVariable, "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Tree("../../.."); err == nil || !strings.Contains(err.Error(), "is missing for machines: make components") {
		t.Errorf("error %v", err)
	}
}
