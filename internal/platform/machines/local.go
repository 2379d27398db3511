package machines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// outputLimit bounds what a script may say, in bytes.
	outputLimit = 16 << 20
	// excerptLimit bounds what errors show of standard error.
	excerptLimit = 4 << 10
	// lingerLimit bounds the wait for a script that was ended, whose children hold its output.
	lingerLimit = 2 * time.Second
)

// Local is this machine.
func Local() Machine { return local{} }

type local struct{}

// String implements Machine.
func (local) String() string {
	name, err := os.Hostname()
	if err != nil {
		return "this machine"
	}
	return name
}

// exitError is a script that failed.
type exitError struct {
	status int
	stderr string
}

// Error implements error.
func (e *exitError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("exit status %d: %s", e.status, e.stderr))
}

// ExitCode is the script's.
func (e *exitError) ExitCode() int { return e.status }

// Run implements Machine.
func (local) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	command := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	command.WaitDelay = lingerLimit
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // An interrupt from the keyboard is ours to answer.
	command.Stdin = stdin
	// What our own environment says of buses and names is not the machine's.
	command.Env = []string{"PATH=" + defaultPath, "HOME=" + os.Getenv("HOME")}
	out, problems := &bounded{limit: outputLimit}, &bounded{limit: excerptLimit, last: true}
	command.Stdout, command.Stderr = out, problems
	err := command.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, &exitError{status: exit.ExitCode(), stderr: strings.TrimSpace(problems.String())}
	case err != nil:
		return nil, fmt.Errorf("run a script: %w", err)
	case out.cut:
		return nil, fmt.Errorf("a script says more than %d MiB", outputLimit>>20)
	}
	return out.Bytes(), nil
}

// Dial implements Machine.
func (local) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// defaultPath is where scripts find programs.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// bounded keeps the first, or the last, of what is written.
type bounded struct {
	bytes.Buffer
	limit     int
	last, cut bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if b.last {
		b.Buffer.Write(p)
		if over := b.Len() - b.limit; over > 0 {
			b.Next(over)
		}
		return n, nil
	}
	if room := b.limit - b.Len(); n > room {
		b.cut = true
		p = p[:room]
	}
	b.Buffer.Write(p)
	return n, nil
}
