package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Holder says who holds a lease, for people, and for another process of the same machine that wants to know whether
// the holder is still there.
type Holder struct {
	// Name is user@host, and what it runs: "terraform" or a command's name.
	Name  string `json:"name"`
	Doing string `json:"doing"`
	// Machine is one boot of one machine and one process namespace of it; PID and Started (clock ticks since boot)
	// name a process in it. Empty where the system does not tell.
	Machine string `json:"machine,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Started string `json:"started,omitempty"`
}

// ThisProcess describes the running process.
func ThisProcess(doing string) Holder {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	if run := os.Getenv("TFC_RUN_ID"); run != "" {
		name = "HCP Terraform " + run
	}
	return Holder{Name: name, Doing: doing, Machine: machine(), PID: os.Getpid(), Started: started(os.Getpid())}
}

func (h Holder) String() string {
	if h.PID == 0 {
		return fmt.Sprintf("%s (%s)", h.Name, h.Doing)
	}
	return fmt.Sprintf("%s (%s, pid %d)", h.Name, h.Doing, h.PID)
}

// Gone tells whether the holder is known to have ended: it ran on this machine, and its process is not there any
// more. False where that cannot be known, then the heartbeat decides.
func (h Holder) Gone() bool {
	if h.Machine == "" || h.PID == 0 || h.Started == "" || h.Machine != machine() {
		return false
	}
	if err := syscall.Kill(h.PID, 0); err != nil {
		return errors.Is(err, syscall.ESRCH)
	}
	// Another user's process may be hidden: then it is there, and nothing else is known.
	there := started(h.PID)
	return there != "" && there != h.Started
}

// machine names this boot of this machine, and the process namespace, in which process ids mean something.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// processes is where the system shows its processes. A test hides them.
var processes = "/proc"

// ended is the start time of a process that has ended and waits to be reaped.
const ended = "ended"

// started is the start time of a process from /proc/<pid>/stat, field 22; empty if that cannot be read.
func started(pid int) string {
	stat, err := os.ReadFile(filepath.Join(processes, strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	// The second field is the program's name in parentheses, which may hold anything.
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return ""
	}
	fields := strings.Fields(string(stat[i+1:]))
	switch {
	case len(fields) < 20:
		return ""
	case fields[0] == "Z" || fields[0] == "X":
		return ended
	}
	return fields[19]
}
