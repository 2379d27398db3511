package secureshell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// signalGrace is how long a script that is given up has to end after SIGTERM, sent by the session and then by a command.
const signalGrace = time.Second

// signals by name, for the status of a shell.
var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
}

// Run runs a POSIX shell script on the machine, whatever the login shell there is, and returns what it prints, at most 16 MiB. stdin is its standard
// input; nil: empty. A script that exits with another status than 0 is an *ExitError; one whose end is not known, since the connection was lost, is an
// ErrUnreachable, and is never repeated. When ctx ends, the script is sent SIGTERM and left. A script that leaves processes behind must give them
// another standard output and error than its own, since Run waits for their end. stdin is not read any more when Run returns, unless a read
// of it goes on for more than a second.
func (m *Machine) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	line, err := scriptLine(script)
	if err != nil {
		return nil, fmt.Errorf("run a script on %s: %w", m, err)
	}
	c, session, err := m.session(ctx)
	if err != nil {
		return nil, err
	}
	mark := "script-" + rand.Text()
	r := &run{client: c, session: session, mark: mark, line: line, output: newOutput(mark), ended: make(chan struct{})}
	if stdin != nil {
		r.input = newInput(stdin)
		defer r.input.letGo()
	}
	session.Stdout, session.Stderr = r.output, &r.stderr
	if !c.link.connections.start(r.work) {
		c.release()
		return nil, notReached("run a script on %s: %w", m, errClosed)
	}
	select {
	case <-r.ended:
		return r.result()
	case <-r.output.full:
		r.abandon()
		return nil, r.output.tooMuch(m)
	case <-c.lost:
		r.abandon()
		return nil, fmt.Errorf("run a script on %s, and it is not known how far it came: %w", m, c.why())
	case <-ctx.Done():
		r.abandon()
		return nil, fmt.Errorf("run a script on %s: %w", m, ctx.Err())
	}
}

// run is one script on a machine.
type run struct {
	client  *client
	session *ssh.Session
	mark    string
	line    []byte
	input   *input
	output  *output
	stderr  tail
	// ended is closed when the script has ended, and then err and inputErr are set.
	ended    chan struct{}
	err      error
	inputErr error
}

// work runs the script to its end.
func (r *run) work() {
	defer close(r.ended)
	pipe, err := r.session.StdinPipe()
	if err != nil {
		r.err = err
		return
	}
	if r.err = r.session.Start(command(r.mark)); r.err != nil {
		return
	}
	fed := make(chan error, 1)
	go func() { fed <- feed(pipe, r.line, r.input) }()
	r.err = r.session.Wait()
	select {
	case r.inputErr = <-fed:
	default: // the script did not wait for all of it
	}
}

// result is how a script ended that has ended.
func (r *run) result() ([]byte, error) {
	_ = r.session.Close()
	r.client.release()
	machine := r.client.link
	text, begun := r.output.result()
	var exit *ssh.ExitError
	switch {
	case r.inputErr != nil:
		return nil, fmt.Errorf("run a script on %s: read its input: %w", machine, r.inputErr)
	case r.err == nil && !begun:
		return nil, notReached("run a script on %s: its login shell ran something else (is there a ForceCommand, or a shell that runs no commands?)", machine)
	case r.err == nil:
		return text, nil
	case errors.As(r.err, &exit):
		return nil, fmt.Errorf("run a script on %s: %w", machine, r.exit(exit))
	case r.client.gone():
		r.client.end(errCutOff)
		return nil, fmt.Errorf("run a script on %s, and it is not known how far it came: %w", machine, r.client.why())
	}
	return nil, notReached("run a script on %s: its end is not known: %w", machine, r.err)
}

func (r *run) exit(exit *ssh.ExitError) *ExitError {
	out := &ExitError{Status: exit.ExitStatus(), Signal: exit.Signal(), Stderr: r.stderr.String()}
	if out.Signal != "" {
		out.Status = 128 + signals[out.Signal]
	}
	return out
}

// abandon has the script end that nobody waits for any more, beside the caller.
func (r *run) abandon() {
	if !r.client.link.connections.start(r.stop) {
		_ = r.session.Close()
	}
}

func (r *run) stop() {
	defer r.client.release()
	defer func() { _ = r.session.Close() }()
	if r.client.gone() {
		return
	}
	go func() { _ = r.session.Signal(ssh.SIGTERM) }()
	if r.over(signalGrace) {
		return
	}
	// sshd passes no signals to root's sessions before OpenSSH 9.8, nor where a command is forced.
	if pid := r.output.process(); pid > 1 {
		r.client.signal(pid)
		if r.over(signalGrace) {
			return
		}
	}
	r.client.abandoned.Add(1)
}

// over waits for the script to end, and tells whether it has.
func (r *run) over(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-r.ended:
		return true
	case <-r.client.lost:
		return true
	case <-timer.C:
		return false
	}
}

// signal sends SIGTERM to the group of a process, as far as it can.
func (c *client) signal(group int) {
	ctx, cancel := context.WithTimeout(c.link.connections.ctx, signalGrace)
	defer cancel()
	session, err := c.session(ctx)
	if err != nil {
		return
	}
	defer func() { _ = session.Close() }()
	_ = session.Start(fmt.Sprintf("exec sh -c 'kill -s TERM -- -%d'", group))
}
