package haproxytest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Reload has the master start a worker with the configuration as it is now, which takes the sockets over, and waits until the old one
// answers nobody any more: requests that it has are still served by it.
func (s *Server) Reload(t testing.TB) {
	t.Helper()
	if err := s.writeConfig(); err != nil {
		t.Fatal(err)
	}
	old := s.worker
	if err := s.process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	if err := s.wait(old); err != nil {
		t.Fatalf("reload HAProxy: %v\n%s", err, s.said())
	}
	deadline := time.Now().Add(startDeadline)
	for listens(t, old) {
		if time.Now().After(deadline) {
			t.Fatalf("reload HAProxy: the old worker still listens after %s\n%s", startDeadline, s.said())
		}
		time.Sleep(pollInterval)
	}
}

// listens tells whether a process has a socket that connections can be made to. Only Linux can say; elsewhere none has.
func listens(t testing.TB, pid int) bool {
	t.Helper()
	directory := fmt.Sprintf("/proc/%d/", pid)
	sockets := map[string]bool{}
	files, err := os.ReadDir(directory + "fd")
	if err != nil {
		return false // it has ended
	}
	for _, f := range files {
		if to, err := os.Readlink(directory + "fd/" + f.Name()); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	// proc(5): column 3 of tcp is the state, 0A for listening, and column 9 the inode; columns 3 and 6 of unix are flags and inode.
	for file, where := range map[string]struct {
		column, inode int
		listening     string
	}{"net/tcp": {3, 9, "0A"}, "net/unix": {3, 6, "00010000"}} {
		text, err := os.ReadFile(directory + file)
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(text)) {
			columns := strings.Fields(line)
			if len(columns) > where.inode && columns[where.column] == where.listening && sockets[columns[where.inode]] {
				return true
			}
		}
	}
	return false
}

// Restart ends HAProxy and starts it again with the same ports. Requests in flight are lost.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Run(t)
}

// Run starts HAProxy again after Stop or Kill.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends HAProxy at once, as a crash does, and waits until it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	if err := process.Kill(); err != nil {
		t.Error(err)
	}
}

// Suspend stops the processes where they are: they take connections, and answer nothing. Resume lets them go on.
func (s *Server) Suspend(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(s.worker, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(startDeadline); !stopped(t, s.worker); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("the worker %d was told to stop, and still runs after %s", s.worker, startDeadline)
		}
	}
}

// stopped tells whether all threads of a process have met the signal; only Linux can say.
func stopped(t testing.TB, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			t.Fatal(err)
		}
		// proc(5): the state is behind the name, which is in brackets.
		if !strings.HasPrefix(string(text[bytes.LastIndexByte(text, ')')+1:]), " T") {
			return false
		}
	}
	return true
}

// Resume is the end of Suspend.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(s.worker, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// Stop ends HAProxy at once and waits until it is gone. Stopping it twice is no error.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func (s *Server) end() error {
	process := s.process
	s.process = nil
	if s.worker != 0 {
		_ = syscall.Kill(s.worker, syscall.SIGCONT) // may be suspended, or have ended
	}
	return process.Stop(stopDeadline)
}
