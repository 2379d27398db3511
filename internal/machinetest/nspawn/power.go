package nspawn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// look is how often something is looked at that is waited for.
const look = 20 * time.Millisecond

// bootTime bounds a boot, also on a machine that does much else.
const bootTime = 2 * time.Minute

// Boot switches on a machine that is off, and returns when systemd has started everything and sshd answers.
func (h *Host) Boot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	if pid, err := h.initPID(); err == nil {
		return fmt.Errorf("boot machine %s: it is on, its init is process %d", h.Name, pid)
	}
	if err := h.tell(ctx, "on"); err != nil {
		return err
	}
	return h.up(ctx, "")
}

// PowerOff takes the machine's power away: nothing in it has a chance to end well. What was written before is kept.
func (h *Host) PowerOff(ctx context.Context) error { return h.tell(ctx, "off") }

// Reboot has systemd end everything and boots again; it returns when all is up.
func (h *Host) Reboot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	before, err := h.BootID(ctx)
	if err != nil {
		return err
	}
	if _, err := h.Run(ctx, "systemctl --no-block reboot"); err != nil {
		return fmt.Errorf("reboot: %w", err)
	}
	return h.up(ctx, before)
}

// BootID is another one after each boot.
func (h *Host) BootID(ctx context.Context) (string, error) {
	out, err := h.Run(ctx, "cat /proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(out), err
}

// StopSSH ends sshd and every connection to it. The machine goes on.
func (h *Host) StopSSH(ctx context.Context) error {
	// A session is a scope of its own, which the service's end does not reach.
	_, err := h.Run(ctx, "systemctl stop ssh.service && { pkill -KILL -x sshd || [ $? = 1 ]; }")
	return err
}

// StartSSH starts sshd again and returns when it answers.
func (h *Host) StartSSH(ctx context.Context) error {
	if _, err := h.Run(ctx, "systemctl start ssh.service"); err != nil {
		return err
	}
	return h.until(ctx, "sshd answers", h.banner)
}

// Ready boots a machine that is off, and starts sshd where it was stopped.
func (h *Host) Ready(ctx context.Context) error {
	if h.off() {
		return h.Boot(ctx)
	}
	return h.StartSSH(ctx)
}

// up waits for a boot that is another one than before.
func (h *Host) up(ctx context.Context, before string) error {
	if err := h.until(ctx, "systemd has started everything", func(ctx context.Context) error {
		id, err := h.BootID(ctx)
		if err != nil || id == before {
			return errors.Join(errors.New("it did not boot yet"), err)
		}
		// Degraded is up as well: some unit failed, and the log says which.
		out, err := h.Run(ctx, "systemctl is-system-running --wait || :")
		if state := strings.TrimSpace(out); err != nil || (state != "running" && state != "degraded") {
			return errors.Join(fmt.Errorf("systemd is %q", state), err)
		}
		_, err = h.Run(ctx, fmt.Sprintf("systemctl is-active user@%d.service", userID))
		return err
	}); err != nil {
		return err
	}
	return h.until(ctx, "sshd answers", h.banner)
}

// until looks until there is no error.
func (h *Host) until(ctx context.Context, what string, there func(context.Context) error) error {
	for {
		err := there(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-h.ended:
			return fmt.Errorf("machine %s: its supervisor ended while waiting until %s: %w", h.Name, what, err)
		case <-ctx.Done():
			return fmt.Errorf("machine %s: waiting until %s: %w", h.Name, what, errors.Join(ctx.Err(), err))
		case <-time.After(look):
		}
		if h.off() {
			return fmt.Errorf("machine %s went off while waiting until %s: %w", h.Name, what, err)
		}
	}
}

// banner reads what sshd says first.
func (h *Host) banner(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(h.Address, strconv.Itoa(h.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	said := make([]byte, 4)
	if _, err := io.ReadFull(c, said); err != nil || !bytes.Equal(said, []byte("SSH-")) {
		return fmt.Errorf("sshd says %q: %w", said, err)
	}
	return nil
}
