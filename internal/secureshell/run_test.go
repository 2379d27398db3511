//go:build linux

package secureshell_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

func TestScriptsAreRunAsTheyAreWritten(t *testing.T) {
	m := machine(t, sshtest.Start(t))
	t.Run("quotes, newlines, unicode", func(t *testing.T) {
		script := "a='it'\"'\"'s \\n $HOME !x'\nprintf '%s|' \"$a\" # a comment\ncat <<'END'\n\ttab, ünïcödé — 日本語 \\ \\\\ %s %b \\0101\nEND\n"
		want := "it's \\n $HOME !x|\ttab, ünïcödé — 日本語 \\ \\\\ %s %b \\0101\n"
		if got := says(t, m, script, nil); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	})
	t.Run("stdin stays the script's", func(t *testing.T) {
		if got := says(t, m, "read -r first; echo \"$first\"; cat", strings.NewReader("one\ntwo\nthree")); got != "one\ntwo\nthree" {
			t.Errorf("%q", got)
		}
	})
	t.Run("no stdin", func(t *testing.T) {
		if got := says(t, m, "cat; echo end", nil); got != "end\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("empty", func(t *testing.T) {
		if got := says(t, m, "", nil); got != "" {
			t.Errorf("%q", got)
		}
	})
	t.Run("large", func(t *testing.T) {
		text := strings.Repeat("0123456789 'ü'\n", 20_000)
		if got := says(t, m, "cat <<'END'\n"+text+"END\n", nil); got != text {
			t.Errorf("%d bytes, want %d", len(got), len(text))
		}
	})
	t.Run("too large", func(t *testing.T) {
		if _, err := m.Run(bounded(t), strings.Repeat("x", 2<<20), nil); err == nil || !strings.Contains(err.Error(), "give data by its standard input") {
			t.Errorf("%v", err)
		}
	})
	t.Run("NUL", func(t *testing.T) {
		if _, err := m.Run(bounded(t), "echo \x00", nil); err == nil || !strings.Contains(err.Error(), "NUL") {
			t.Errorf("%v", err)
		}
	})
}

func TestStatusAndStandardErrorOfAScript(t *testing.T) {
	m := machine(t, sshtest.Start(t))
	failed := func(t *testing.T, script string) *secureshell.ExitError {
		t.Helper()
		_, err := m.Run(bounded(t), script, nil)
		var exit *secureshell.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%v is no ExitError", err)
		}
		if errors.Is(err, secureshell.ErrUnreachable) {
			t.Errorf("%v is an ErrUnreachable", err)
		}
		return exit
	}
	if got := failed(t, "echo out; echo what >&2; exit 7"); got.Status != 7 || got.ExitCode() != 7 || got.Stderr != "what" || got.Signal != "" {
		t.Errorf("%+v", got)
	}
	if got := failed(t, "set -e\nfalse\necho on"); got.Status != 1 {
		t.Errorf("%+v", got)
	}
	if got := failed(t, "if then"); got.Status == 0 || !strings.Contains(got.Stderr, "yntax") {
		t.Errorf("%+v", got)
	}
	if got := failed(t, "kill -KILL $$"); got.Status != 137 || got.ExitCode() != -1 || got.Signal != "KILL" {
		t.Errorf("%+v", got)
	}
	got := failed(t, "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done >&2; exit 1")
	if len(got.Stderr) > 4<<10 || !strings.HasSuffix(got.Stderr, "line 1999") {
		t.Errorf("%d bytes: …%s", len(got.Stderr), got.Stderr[max(0, len(got.Stderr)-40):])
	}
	// A script that fails before it reads its input.
	_, err := m.Run(bounded(t), "exit 3", io.LimitReader(zeros{}, 64<<20))
	var exit *secureshell.ExitError
	if !errors.As(err, &exit) || exit.Status != 3 {
		t.Errorf("%v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestInputAndOutputAreWhole(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	data := make([]byte, 12<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	if got := says(t, m, "sha256sum", bytes.NewReader(data)); !strings.HasPrefix(got, fmt.Sprintf("%x", sha256.Sum256(data))) {
		t.Errorf("sha256sum says %s", got)
	}
	if got := says(t, m, "cat", bytes.NewReader(data)); got != string(data) {
		t.Errorf("%d bytes come back, not the same %d", len(got), len(data))
	}
	if _, err := m.Run(bounded(t), "head -c 17000000 /dev/zero; "+lingers(server), nil); err == nil || !strings.Contains(err.Error(), "more than 16777216 bytes") {
		t.Errorf("%v", err)
	}
	if _, err := m.Run(bounded(t), "cat >/dev/null", broken{}); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("%v", err)
	}
}

func TestScriptEndsWithItsContext(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	pidFile := server.Path("pid")
	ctx, cancel := context.WithCancel(bounded(t))
	ended := make(chan error, 1)
	go func() {
		_, err := m.Run(ctx, "echo $$ >"+pidFile+".new && mv "+pidFile+".new "+pidFile+"; "+lingers(server), nil)
		ended <- err
	}()
	until(t, func() bool { _, err := os.Stat(pidFile); return err == nil })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); return err != nil })
	if got := says(t, m, "echo on", nil); got != "on\n" {
		t.Errorf("%q", got)
	}
}

// Scripts that do not end when they are told to hold their sessions on the machine; they must not keep others out.
func TestScriptsThatDoNotEndKeepNobodyOut(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			begun := server.Path(fmt.Sprint("begun", i))
			ctx, cancel := context.WithCancel(bounded(t))
			defer cancel()
			go func() {
				defer cancel()
				until(t, func() bool { _, err := os.Stat(begun); return err == nil })
			}()
			script := "trap '' TERM HUP PIPE; touch " + begun + "; while test -e " + begun + "; do sleep 0.1 || exit; done"
			if _, err := m.Run(ctx, script, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
	group.Wait()
	for range 3 {
		if got := says(t, m, "echo on", nil); got != "on\n" {
			t.Errorf("%q", got)
		}
	}
}

func TestManyScriptsAtATime(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			got, err := m.Run(bounded(t), fmt.Sprintf("sleep 0.05; echo %d", i), nil)
			if err != nil || string(got) != fmt.Sprintln(i) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	group.Wait()
	if n := strings.Count(server.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("logged in %d times", n)
	}
}

func TestFewerSessionsThanUsual(t *testing.T) {
	m := machine(t, sshtest.Start(t, "MaxSessions 2"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := m.Run(bounded(t), "sleep 0.05", nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestShellThatRunsSomethingElse(t *testing.T) {
	server := sshtest.Start(t, "ForceCommand echo hello")
	refused(t, connections(t, server.Credentials(), secureshell.Options{}), server.SSH(), "ForceCommand")
	server = sshtest.Start(t, "MaxSessions 0")
	refused(t, connections(t, server.Credentials(), secureshell.Options{}), server.SSH(), "MaxSessions")
}

// until waits for what must happen.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it does not happen")
			return
		}
	}
}
