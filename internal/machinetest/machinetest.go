// Package machinetest has real Debian machines for tests: see nspawn. Machines of a test's own are made by Start; those that all
// tests of a package share, by Shared.
package machinetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
)

// KeyCredential is the name of the credential that Host.SSH's definitions log in with.
const KeyCredential = nspawn.KeyCredential

// User may log in to each machine beside root.
const User = nspawn.User

// patience bounds each single thing that is done with a machine.
const patience = 2 * time.Minute

// Option changes what machines are like.
type Option func(*nspawn.Options)

// SmallDisk gives the machine with that name a disk of size bytes at /srv.
func SmallDisk(name string, size int64) Option {
	return func(o *nspawn.Options) {
		if o.SmallDisk == nil {
			o.SmallDisk = make(map[string]int64)
		}
		o.SmallDisk[name] = size
	}
}

// Sudo lets User manage units of the system by sudo: systemctl, install, rm and journalctl, as root, without a password.
func Sudo() Option { return func(o *nspawn.Options) { o.Sudoers += nspawn.SystemdSudoers } }

// Disk is how many bytes each machine may write; they are kept in memory.
func Disk(size int64) Option { return func(o *nspawn.Options) { o.Disk = size } }

// Host is a machine. The methods of nspawn.Host return errors and are for where no test may fail.
type Host struct{ *nspawn.Host }

// Start boots n machines, "a", "b" and so on, and returns when systemd is up and sshd answers. They end with the test; if that
// failed, what they said is logged. Where there can be no machines, the test is skipped, or fails where CI is "true".
func Start(t testing.TB, n int, options ...Option) []*Host {
	t.Helper()
	o := settings(t, options)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	started, err := nspawn.Start(ctx, o, names(n)...)
	if err != nil {
		t.Fatal(err)
	}
	hosts := wrap(started)
	for _, h := range hosts {
		t.Cleanup(func() {
			logOnFailure(t, h)
			if err := h.End(); err != nil {
				t.Error(err)
			}
		})
	}
	return hosts
}

// settings are the options with the tree, or a skipped test.
func settings(t testing.TB, options []Option) nspawn.Options {
	t.Helper()
	var o nspawn.Options
	for _, option := range options {
		option(&o)
	}
	root, err := component.Module()
	if err == nil {
		o.Tree, err = nspawn.Tree(root)
	}
	if err != nil {
		component.Missing(t, err.Error())
	}
	return o
}

func names(n int) (all []string) {
	for i := range n {
		all = append(all, string(rune('a'+i)))
	}
	return all
}

func wrap(started []*nspawn.Host) (hosts []*Host) {
	for _, h := range started {
		hosts = append(hosts, &Host{h})
	}
	return hosts
}

func logOnFailure(t testing.TB, h *Host) {
	if t.Failed() {
		t.Log(h.Log(context.Background()))
	}
}

// FreePorts are n ports that every machine can listen on; no test of this machine is given one of them as long as this process lives.
func FreePorts(t testing.TB, n int) []int {
	t.Helper()
	ports, err := nspawn.FreePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

// Run runs a shell script in the machine as root, without SSH, and returns its standard output.
func (h *Host) Run(t testing.TB, script string) (out string) {
	t.Helper()
	h.do(t, func(ctx context.Context) (err error) { out, err = h.Host.Run(ctx, script); return err })
	return out
}

// WriteFile makes or replaces a file of root's in the machine, and the directories above it.
func (h *Host) WriteFile(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	h.do(t, func(ctx context.Context) error { return h.Host.WriteFile(ctx, path, []byte(content), mode) })
}

// Reboot has systemd end everything and boots again; it returns when all is up.
func (h *Host) Reboot(t testing.TB) { t.Helper(); h.do(t, h.Host.Reboot) }

// PowerOff takes the machine's power away: nothing in it has a chance to end well. What was written before is kept.
func (h *Host) PowerOff(t testing.TB) { t.Helper(); h.do(t, h.Host.PowerOff) }

// Boot switches on a machine that is off, and returns when systemd is up and sshd answers.
func (h *Host) Boot(t testing.TB) { t.Helper(); h.do(t, h.Host.Boot) }

// StopSSH ends sshd and every connection to it. The machine goes on.
func (h *Host) StopSSH(t testing.TB) { t.Helper(); h.do(t, h.Host.StopSSH) }

// StartSSH starts sshd again, and returns when it answers.
func (h *Host) StartSSH(t testing.TB) { t.Helper(); h.do(t, h.Host.StartSSH) }

// do is not bounded by the test's context: cleanups use machines as well.
func (h *Host) do(t testing.TB, what func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := what(ctx); err != nil {
		t.Fatal(err)
	}
}

// KeyFile writes the private key that may log in to a file that ssh takes, in a directory of the test's.
func (h *Host) KeyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(h.Key), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
