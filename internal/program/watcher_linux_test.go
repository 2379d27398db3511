package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// starts runs script in another process, which is what a killed provider is.
func starts(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], asStarter, script) //nolint:gosec // this program
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestNothingOutlivesAKilledProvider(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	// The program itself, which does not listen to SIGTERM, a child of its group, and one in a group of its own.
	provider := starts(t, `trap "" TERM; echo $$ >`+file("program")+`
sleep 3601 & echo $! >`+file("child")+`
set -m; sleep 3602 & echo $! >`+file("group")+`
while :; do sleep 0.1; done`)
	for _, name := range []string{"program", "child", "group"} {
		written(t, file(name))
	}
	_ = provider.Process.Kill()
	_ = provider.Wait()
	for _, name := range []string{"program", "child", "group"} {
		gone(t, file(name))
	}
}

// A watcher that is killed takes the program with it, and the provider says so instead of waiting.
func TestAKilledWatcher(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	done := make(chan error)
	go func() {
		_, err := Program{Argv: []string{"sh", "-c", "echo $PPID >" + pid + "w; echo $$ >" + pid + "; exec sleep 3600"}, Timeout: time.Hour}.Run(t.Context())
		done <- err
	}()
	written(t, pid)
	watcher, err := strconv.Atoi(written(t, pid+"w"))
	if err != nil {
		t.Fatal(err)
	}
	if process, err := os.FindProcess(watcher); err != nil || process.Kill() != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "watcher ended") {
		t.Errorf("error %v", err)
	}
	gone(t, pid)
}

func TestNoArgumentListHoldsTheEnvironment(t *testing.T) {
	const secret = "marked-5b1e-secret"
	pid := filepath.Join(t.TempDir(), "pid")
	e, err := Program{
		Argv:        []string{"sh", "-c", "echo $PPID >" + pid + "; cat /proc/$PPID/cmdline /proc/$PPID/environ; cat /proc/[0-9]*/cmdline 2>/dev/null; [ -n \"$TOKEN\" ]"},
		Environment: []string{"TOKEN=" + secret}, Timeout: generous,
	}.Run(t.Context())
	if err != nil || e.Code != 0 || !strings.Contains(e.Output, WatchArgument) {
		t.Fatalf("%+v, %v", e, err)
	}
	if strings.Contains(e.Output, secret) {
		t.Error("the secret is in an argument list, or in the watcher's environment")
	}
}
