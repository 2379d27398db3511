package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Info is what /proc says of a process at one moment.
type Info struct {
	PID int
	// Name of the program, at most 15 bytes.
	Name string
	// Group and Session are the ids of its process group and session.
	Group, Session int
	// Start is in clock ticks since the machine was started.
	Start uint64
	// Zombie: it has ended, all its threads too, and nobody has waited for it yet. (The first thread may end before the
	// others, which hold on to the process's files.)
	Zombie bool
}

// String is the process for people: "1234 (nginx)".
func (i Info) String() string { return fmt.Sprintf("%d (%s)", i.PID, i.Name) }

var errForm = errors.New("not in the form of proc(5)")

// Read reads one process. os.ErrNotExist where there is none.
func Read(pid int) (Info, error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")) //nolint:gosec // a number below /proc
	if err != nil {
		return Info{}, gone(fmt.Errorf("read process %d: %w", pid, err))
	}
	info, err := parseStat(data)
	if err != nil {
		return Info{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return info, nil
}

// gone makes one of the two ways in which /proc says that a process has ended.
func gone(err error) error {
	if errors.Is(err, errNoProcess) {
		return fmt.Errorf("%w: %w", os.ErrNotExist, err)
	}
	return err
}

// List reads all processes; those that end meanwhile are left out.
func List() ([]Info, error) {
	names, err := readNames("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Info
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if info, err := Read(pid); err == nil {
			all = append(all, info)
		}
	}
	return all, nil
}

// readNames lists a directory without asking for each entry.
func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir) //nolint:gosec // below /proc
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return d.Readdirnames(-1)
}

// parseStat reads /proc/<pid>/stat. The name stands in parentheses, and may hold anything, parentheses too.
func parseStat(data []byte) (Info, error) {
	begin, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if begin < 0 || end < begin {
		return Info{}, errForm
	}
	fields := strings.Fields(string(data[end+1:])) // fields[0] is the third one of proc(5)
	if len(fields) < 20 {
		return Info{}, errForm
	}
	info := Info{Name: string(data[begin+1 : end])}
	var errs [5]error
	threads, err := strconv.Atoi(fields[17])
	info.Zombie, errs[4] = (fields[0] == "Z" || fields[0] == "X") && threads <= 1, err
	info.PID, errs[0] = strconv.Atoi(strings.TrimSpace(string(data[:begin])))
	info.Group, errs[1] = strconv.Atoi(fields[2])
	info.Session, errs[2] = strconv.Atoi(fields[3])
	info.Start, errs[3] = strconv.ParseUint(fields[19], 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return Info{}, fmt.Errorf("%w: %w", errForm, err)
	}
	return info, nil
}
