// Package process finds the processes that belong to a run of the demo, by what /proc says of them, and ends those
// that the demo started. It needs Linux.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is what /proc says of a process at one moment.
type Process struct {
	PID    int
	Parent int
	// Session and Terminal (0: none) that it belongs to.
	Session  int
	Terminal int
	// Started is in clock ticks since the machine started: with the PID, it names a process for ever.
	Started uint64
	// Zombie: ended, and not yet waited for.
	Zombie bool
	// Executable, Directory and Arguments; empty where this user may not read them.
	Executable string
	Directory  string
	Arguments  []string
}

// String is one line for people.
func (p Process) String() string {
	line := strings.Join(p.Arguments, " ")
	if line == "" {
		line = p.Executable
	}
	return fmt.Sprintf("%d %s", p.PID, line)
}

// List reads all processes. Ones that end meanwhile are left out.
func List() ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := Read(pid); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

var errUnreadable = errors.New("not in the form of proc(5)")

// Read reads one process.
func Read(pid int) (Process, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat")) //nolint:gosec // a number below /proc
	if err != nil {
		return Process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	p, err := parseStat(pid, stat)
	if err != nil {
		return Process{}, err
	}
	// These fail for processes of other users and for zombies.
	p.Executable, _ = os.Readlink(filepath.Join(dir, "exe"))
	p.Executable = strings.TrimSuffix(p.Executable, " (deleted)")
	p.Directory, _ = os.Readlink(filepath.Join(dir, "cwd"))
	p.Directory = strings.TrimSuffix(p.Directory, " (deleted)")
	if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && len(line) > 0 { //nolint:gosec // as above
		p.Arguments = strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	}
	return p, nil
}

// parseStat reads the fields of proc(5)'s stat that are needed. The name, in parentheses, may hold anything.
func parseStat(pid int, stat []byte) (Process, error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return Process{}, fmt.Errorf("read process %d: %w", pid, errUnreadable)
	}
	fields := strings.Fields(string(stat[end+1:])) // fields[0] is field 3, the state
	if len(fields) < 20 {
		return Process{}, fmt.Errorf("read process %d: %w", pid, errUnreadable)
	}
	p := Process{PID: pid, Zombie: fields[0] == "Z" || fields[0] == "X"}
	var errs [4]error
	p.Parent, errs[0] = strconv.Atoi(fields[1])
	p.Session, errs[1] = strconv.Atoi(fields[3])
	p.Terminal, errs[2] = strconv.Atoi(fields[4])
	p.Started, errs[3] = strconv.ParseUint(fields[19], 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return Process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return p, nil
}

// Descendants are the children of pid, their children and so on, of the processes in all.
func Descendants(all []Process, pid int) []Process {
	var found []Process
	parents := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if parents[p.Parent] && !parents[p.PID] {
				parents[p.PID] = true
				found = append(found, p)
				grown = true
			}
		}
	}
	return found
}

// same tells whether p is still there, and not another process with its number.
func (p Process) same() bool {
	now, err := Read(p.PID)
	return err == nil && now.Started == p.Started && !now.Zombie
}

// waitGone waits until none of the processes is there, or limit is over; it returns those that still are.
func waitGone(processes []Process, limit time.Duration) []Process {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		var left []Process
		for _, p := range processes {
			if p.same() {
				left = append(left, p)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}
