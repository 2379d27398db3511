package secureshell

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const (
	// maxOutput bounds the standard output of a script in bytes, maxStderr what is kept of the end of its standard error.
	maxOutput = 16 << 20
	maxStderr = 4 << 10
	// maxNoise bounds what login files print before the script begins.
	maxNoise = 64 << 10
)

// output keeps what a script prints, from the line with mark on: what comes before is of the login shell's files.
type output struct {
	mark []byte
	// full is closed when there is more than is kept.
	full chan struct{}

	mu    sync.Mutex
	begun bool
	pid   int
	kept  []byte
	over  bool
}

func newOutput(mark string) *output {
	return &output{mark: []byte(mark + " "), full: make(chan struct{})}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return len(p), nil
	}
	o.kept = append(o.kept, p...)
	limit := maxOutput
	if !o.begun {
		o.begin()
	}
	if !o.begun {
		limit = maxNoise
	}
	if len(o.kept) > limit {
		o.over = true
		o.kept = nil
		close(o.full)
	}
	return len(p), nil
}

// begin looks for the whole line with the mark, and drops all up to its end.
func (o *output) begin() {
	at := bytes.Index(o.kept, o.mark)
	if at < 0 {
		return
	}
	number, rest, whole := bytes.Cut(o.kept[at+len(o.mark):], []byte("\n"))
	if !whole {
		return
	}
	o.begun = true
	o.pid, _ = strconv.Atoi(string(number)) // 0: nobody is signalled
	o.kept = rest
}

// result is what was printed, and whether the script began at all.
func (o *output) result() (text []byte, begun bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept, o.begun
}

// process is the id of the script's process, which leads its group; 0: not known.
func (o *output) process() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pid
}

// tooMuch is the error where full is closed.
func (o *output) tooMuch(machine fmt.Stringer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.begun {
		return notReached("run a script on %s: its login shell prints more than %d bytes before any command: keep its files silent where it is not interactive", machine, maxNoise)
	}
	return fmt.Errorf("run a script on %s: it prints more than %d bytes", machine, maxOutput)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if more := len(t.kept) - maxStderr; more > 0 {
		t.kept = append(t.kept[:0], t.kept[more:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "�"))
}
