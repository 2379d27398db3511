package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errNoProcess is how a read below /proc fails when the process ends in the middle of it.
const errNoProcess = syscall.ESRCH

// pollInterval is how often an end is asked for that nothing announces.
const pollInterval = 20 * time.Millisecond

// Identity names a process for ever: its number alone is given out again.
type Identity struct {
	PID int `json:"pid"`
	// Start is in clock ticks since the machine was started, Boot the id of that start of the machine.
	Start uint64 `json:"start"`
	Boot  string `json:"boot"`
}

// bootID is the same until the machine is started again.
var bootID = sync.OnceValues(func() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the machine's boot id: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
})

// Of identifies the process that has the number pid now.
func Of(pid int) (Identity, error) {
	boot, err := bootID()
	if err != nil {
		return Identity{}, err
	}
	info, err := Read(pid)
	if err != nil {
		return Identity{}, err
	}
	return Identity{PID: pid, Start: info.Start, Boot: boot}, nil
}

// SinceBoot tells whether the process was started since the machine was.
func (i Identity) SinceBoot() bool {
	boot, err := bootID()
	return err == nil && boot == i.Boot
}

// Alive tells whether this very process is there and has not ended.
func (i Identity) Alive() bool {
	info, err := Read(i.PID)
	return i.PID > 0 && err == nil && !info.Zombie && info.Start == i.Start && i.SinceBoot()
}

// Signal sends a signal to this very process; sent is false where it is gone. It never reaches another process that
// was given its number: the descriptor is taken first and holds on to one process, and only then is it seen which one.
func (i Identity) Signal(signal syscall.Signal) (sent bool, err error) {
	if i.PID <= 0 {
		return false, nil
	}
	descriptor, err := unix.PidfdOpen(i.PID, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("hold on to process %d: %w", i.PID, err)
	}
	defer func() { _ = unix.Close(descriptor) }()
	if !i.Alive() {
		return false, nil
	}
	if err := unix.PidfdSendSignal(descriptor, signal, nil, 0); errors.Is(err, unix.ESRCH) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("send %s to process %d: %w", unix.SignalName(signal), i.PID, err)
	}
	return true, nil
}

// Wait waits until this very process has ended, or ctx has.
func (i Identity) Wait(ctx context.Context) error {
	return poll(ctx, func() (bool, error) { return !i.Alive(), nil })
}

// poll asks until done says yes, or ctx has ended.
func poll(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if yes, err := done(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
