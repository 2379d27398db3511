package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// asCommand in the environment makes the test's binary an operator's command.
const asCommand = "DEPLOY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main("test", nil, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// terminal is a pseudo-terminal: what is written to person is typed at terminal.
func terminal(t *testing.T) (person, tty *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminal is to be had:", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	number, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return person, tty
}

// atTerminal starts a command whose controlling terminal a person sits at. What it says comes to said.
func atTerminal(t *testing.T, args ...string) (person *os.File, said *buffer, out *bytes.Buffer, cmd *exec.Cmd) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	person, tty := terminal(t)
	said, out = &buffer{}, &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=yes")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return person, said, out, cmd
}

// What a person answers at the prompt decides; Ctrl-C is a no, at once.
func TestAnswersAtATerminal(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		code        int
	}{
		{"no", "no\n", ExitRefused},
		{"Ctrl-C", "\x03", ExitRefused},
		{"Ctrl-D", "\x04", ExitRefused},
		{"yes", "yes\n", ExitDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, url, _ := withHeld(t)
			before := numberOf(t, ledger.Open(s, web))
			person, said, out, cmd := atTerminal(t, "unhold", string(web), "--store", url, "--json")
			said.await(t, "Only \"yes\" is taken: ", 1)
			if !strings.Contains(said.String(), string(bad)) {
				t.Errorf("it does not say what it is about to do:\n%s", said.String())
			}
			if _, err := person.WriteString(c.typed); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait() // its exit code says it
				close(ended)
			}()
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				_ = cmd.Process.Kill()
				<-ended
				t.Fatal("it does not end")
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, said.String())
			}
			if !strings.HasPrefix(out.String(), "{") {
				t.Errorf("what is printed is no JSON:\n%s", out.String())
			}
			if changed := numberOf(t, ledger.Open(s, web)) != before; changed != (c.code == ExitDone) {
				t.Errorf("something was changed: %v", changed)
			}
		})
	}
}
