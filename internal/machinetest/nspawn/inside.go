package nspawn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Run runs a POSIX shell script in the machine as root, without SSH, and returns its standard output. What it left on its standard error
// is in the error.
func (h *Host) Run(ctx context.Context, script string) (string, error) {
	return h.enter(ctx, strings.NewReader(""), script)
}

// WriteFile makes or replaces a file of root's in the machine, in one step. mode is such as 0o644.
func (h *Host) WriteFile(ctx context.Context, path string, content []byte, mode os.FileMode) error {
	_, err := h.enter(ctx, bytes.NewReader(content), `set -e; mkdir -p "$(dirname "$1")"; t=$(mktemp "$1.XXXXXX"); cat >"$t"; chmod "$2" "$t"; mv "$t" "$1"`,
		path, strconv.FormatUint(uint64(mode.Perm()), 8))
	return err
}

func (h *Host) enter(ctx context.Context, stdin io.Reader, script string, arguments ...string) (string, error) {
	pid, err := h.initPID()
	if err != nil {
		return "", err
	}
	// A shell outside of the machine's PID namespace starts the one inside and waits for it. nsenter, which would do both, stops itself when
	// its child is stopped, as a machine that goes down does with all its processes; its child could then never be reaped, nor the machine
	// end.
	command := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(pid), "--all", "--no-fork", "--",
		"/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LC_ALL=C.UTF-8",
		"sh", "-c", `sh -c "$@"; exit $?`, "outside", script, "sh"}, arguments...)...)
	var out, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = stdin, &out, &complaints
	// What it started in the background may hold the pipes.
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return out.String(), fmt.Errorf("run in machine %s: %w: %s", h.Name, err, strings.TrimSpace(complaints.String()))
	}
	return out.String(), nil
}

// initPID finds the machine's first process.
func (h *Host) initPID() (int, error) {
	if pid, found := h.first(2); found && booted(pid) {
		return pid, nil
	}
	return 0, fmt.Errorf("machine %s is off", h.Name)
}

// off tells that there is nothing that could still boot.
func (h *Host) off() bool {
	pid, found := h.first(1)
	if !found {
		return true
	}
	for _, child := range children(pid) {
		// The shell waits for orders, and for its dead when it gets one.
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", child)); err == nil && !strings.Contains(string(status), "State:\tZ") {
			return false
		}
	}
	return true
}

// first finds below the supervisor the process that is number 1 in a namespace so many levels below ours: the supervisor's own
// is the first, the machine's the second.
func (h *Host) first(level int) (pid int, found bool) {
	own, err := numbers(os.Getpid())
	if err != nil {
		return 0, false
	}
	for left := []int{h.command.Process.Pid}; len(left) > 0; left = left[1:] {
		if its, err := numbers(left[0]); err == nil && len(its) == len(own)+level && its[len(its)-1] == "1" {
			return left[0], true
		}
		left = append(left, children(left[0])...)
	}
	return 0, false
}

// booted tells whether a process is what boots a system already, and not yet what prepares that.
func booted(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.TrimSpace(string(name)) == "systemd"
}

// numbers are those of a process, one a namespace, from this one inwards.
func numbers(pid int) ([]string, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "NSpid:"); found {
			return strings.Fields(rest), nil
		}
	}
	return nil, fmt.Errorf("process %d has no NSpid", pid)
}

func children(pid int) (all []int) {
	// None where the process is gone.
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		content, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// Log is what the machine said last, on its console and, where it is on, in its journal.
func (h *Host) Log(ctx context.Context) string {
	const most = 16 << 10
	console := make([]byte, most)
	size, _ := h.log.Seek(0, io.SeekEnd)
	n, _ := h.log.ReadAt(console, max(0, size-most))
	text := fmt.Sprintf("console of machine %s:\n%s\n", h.Name, console[:n])
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if journal, err := h.Run(ctx, "journalctl --no-pager --quiet --lines=150 --output=short-precise"); err == nil {
		text += fmt.Sprintf("journal of machine %s:\n%s\n", h.Name, journal)
	}
	return text
}
