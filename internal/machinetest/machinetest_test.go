package machinetest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// login runs a command by ssh, as people do.
func login(t *testing.T, h *Host, user string, command ...string) (string, error) {
	t.Helper()
	known := t.TempDir() + "/known_hosts"
	if err := os.WriteFile(known, []byte("["+h.Address+"]:"+strconv.Itoa(h.Port)+" "+h.HostKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{
		"-F", "none", "-i", h.KeyFile(t), "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
		"-o", "ConnectTimeout=30", "-p", strconv.Itoa(h.Port), user + "@" + h.Address, "--",
	}, command...)
	out, err := exec.CommandContext(t.Context(), "ssh", arguments...).Output()
	return strings.TrimSpace(string(out)), err
}

func TestLogin(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("ssh is missing: apt-get install openssh-client")
	}
	for _, h := range Shared(t, 2) {
		if out, err := login(t, h, "root", "id -un; hostname; systemctl is-system-running"); err != nil || out != "root\n"+h.Name+"\nrunning" {
			t.Errorf("root at %s: %q, %v", h.Name, out, err)
		}
		if out, err := login(t, h, User, "id -un; systemctl --user is-system-running; systemd-run --user --quiet --wait --pipe echo by the manager"); err != nil || out != User+"\nrunning\nby the manager" {
			t.Errorf("%s at %s: %q, %v", User, h.Name, out, err)
		}
		if out, err := login(t, h, User, "sudo -n /usr/bin/systemctl is-active ssh.service; sudo -n /usr/bin/id || echo refused"); err != nil || out != "active\nrefused" {
			t.Errorf("sudo at %s: %q, %v", h.Name, out, err)
		}
	}
}
