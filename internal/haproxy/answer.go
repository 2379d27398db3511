package haproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// longest is how long a command may be: HAProxy drops the connection of one that fills its buffer, of 16 KiB by default.
	longest = 8 << 10
	// largest is how much one call may be answered with.
	largest = 64 << 20
	// preamble has each answer end with a prompt, and say how serious it is: "[3]: No such server.".
	preamble = "prompt\nset severity-output number\n"
	// prefaces is how many answers the preamble has.
	prefaces = 2
	prompt   = "\n> "
	// masterPrompt is what the master's socket ends its answers with.
	masterPrompt = "master> "
)

// check refuses what would be more or less than one command.
func check(command string) error {
	switch {
	case strings.TrimSpace(command) == "":
		return errors.New("an empty command")
	case len(command) > longest:
		return fmt.Errorf("a command of %d bytes, and HAProxy takes at most %d", len(command), longest)
	case strings.ContainsAny(command, "\n\r;\x00") || strings.Contains(command, "<<"):
		return fmt.Errorf("%q is not one command: it has a line break, a semicolon or a payload", command)
	}
	switch word, _, _ := strings.Cut(strings.TrimSpace(command), " "); word {
	case "prompt", "quit":
		return fmt.Errorf("%q changes how HAProxy answers", command)
	}
	return nil
}

// answer to one command.
type answer struct {
	// severity as in syslog, 0 the worst; -1 where HAProxy says none, as with all that is asked for.
	severity int
	text     string
}

// failed: an error or worse. Warnings (4) tell of what was done, such as an address that was changed.
func (a answer) failed() bool {
	return a.severity >= 0 && a.severity <= 3 || strings.HasPrefix(a.text, "Unknown command")
}

// parseAnswer takes the severity and the line breaks at the end away.
func parseAnswer(text string) answer {
	text = strings.TrimRight(text, "\n")
	if len(text) >= 4 && text[0] == '[' && text[1] >= '0' && text[1] <= '7' && text[2:4] == "]:" {
		return answer{severity: int(text[1] - '0'), text: strings.TrimPrefix(text[4:], " ")}
	}
	return answer{severity: -1, text: text}
}

// converse writes all commands at once, and reads until all answers are there. There is no `quit` behind them, and no waiting for the end:
// through SSH that takes 40 ms more, since sshd sends the end only when the client's machine has acknowledged the answer, and that
// does so late when it has nothing to send. The answers are those that are whole.
func converse(connection io.ReadWriter, commands []string) ([]answer, error) {
	written := make(chan error, 1)
	go func() {
		// Beside the reading: HAProxy reads no further while nobody takes its answers.
		_, err := io.WriteString(connection, preamble+strings.Join(commands, "\n")+"\n")
		written <- err
	}()
	said, err := read(connection, len(commands)+prefaces)
	answers, wrong := split(said, len(commands))
	switch {
	case wrong != nil:
		return nil, wrong
	case len(answers) == len(commands):
		return answers, nil // however the connection ended
	case len(said) >= largest:
		return answers, fmt.Errorf("%w: it is more than %d MiB", ErrBroken, largest>>20)
	case err != nil:
		return answers, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	select {
	case err := <-written:
		if err != nil {
			return answers, fmt.Errorf("%w: %w", ErrBroken, err)
		}
	default: // The connection is closed next, which ends the writing.
	}
	return answers, ErrBroken
}

// read until there are n prompts, the last of them at the end, or until the connection ends, which is no error.
func read(connection io.Reader, n int) (string, error) {
	var said bytes.Buffer
	prompts, counted := 0, 0
	for said.Len() < largest {
		said.Grow(bytes.MinRead)
		got, err := connection.Read(said.AvailableBuffer()[:said.Available()])
		said.Write(said.AvailableBuffer()[:got])
		// What was counted ends behind a prompt or before one that has only begun.
		prompts += bytes.Count(said.Bytes()[counted:], []byte(prompt))
		counted = max(counted, said.Len()-len(prompt)+1)
		if end := bytes.LastIndex(said.Bytes(), []byte(prompt)); end >= 0 {
			counted = max(counted, end+len(prompt))
		}
		switch {
		case prompts >= n && bytes.HasSuffix(said.Bytes(), []byte(prompt)), errors.Is(err, io.EOF):
			return said.String(), nil
		case said.Len() >= len(masterPrompt) && !bytes.HasPrefix(said.Bytes(), []byte(prompt)):
			return said.String(), nil // Something else answers, which may never end.
		case err != nil:
			return said.String(), err
		}
	}
	return said.String(), nil
}

// split cuts what HAProxy said into the answers of n commands, or fewer where it ends before. The error says that it is no such thing.
func split(said string, n int) ([]answer, error) {
	parts := strings.Split(said, prompt)
	whole := parts[:len(parts)-1] // The last one has no prompt behind it: it is empty, or was cut off.
	switch {
	case len(whole) > n+prefaces:
		return nil, fmt.Errorf("%d answers to %d commands: the socket is none of a kind that is known here", len(whole)-prefaces, n)
	case len(whole) == 0 && strings.Contains(said, masterPrompt):
		return nil, errors.New("this is the socket of HAProxy's master process: use one of `stats socket` in haproxy.cfg")
	case len(whole) == 0 && strings.HasPrefix(prompt, said):
		return nil, nil
	case len(whole) == 0:
		return nil, fmt.Errorf("what answers is no stats socket of HAProxy: it says %q", bounded(said))
	case whole[0] != "":
		return nil, fmt.Errorf("what answers is no stats socket of HAProxy: it says %q", bounded(whole[0]))
	case len(whole) < prefaces:
		return nil, nil
	}
	var answers []answer
	for _, text := range whole[prefaces:] {
		answers = append(answers, parseAnswer(text))
	}
	return answers, nil
}

// bounded is the begin of a text, for an error.
func bounded(text string) string {
	const most = 200
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}
