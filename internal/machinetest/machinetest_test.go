package machinetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
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

func TestMachinesAreApart(t *testing.T) {
	hosts := Shared(t, 2)
	a, b := hosts[0], hosts[1]
	for _, what := range []string{"cat /etc/machine-id", "hostname", "cat /proc/sys/kernel/random/boot_id", "cat /etc/ssh/ssh_host_*.pub"} {
		if of := a.Run(t, what); of == b.Run(t, what) || of == "" {
			t.Errorf("%s: both have %q", what, of)
		}
	}
	if a.Address == b.Address || a.Name != "a" || b.Name != "b" {
		t.Errorf("%s at %s, %s at %s", a.Name, a.Address, b.Name, b.Address)
	}
	a.Run(t, "systemd-run --quiet --unit only-of-a sleep 3600; touch /root/only-of-a")
	t.Cleanup(func() { a.Run(t, "systemctl stop only-of-a; rm /root/only-of-a") })
	if seen := b.Run(t, "pgrep -x sleep; ls /root; systemctl is-active only-of-a || :"); seen != "inactive\n" {
		t.Errorf("b sees %q of what a has", seen)
	}
}

// A machine that goes down stops all its processes before it ends them; who waits for a script must not be stopped with it, or the machine
// waits for the one that waits.
func TestAStoppedScript(t *testing.T) {
	h := Shared(t, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := h.Host.Run(ctx, "echo $$ >/run/stopped; kill -STOP $$; rm /run/stopped; exit 3")
		done <- err
	}()
	h.Run(t, `until [ -s /run/stopped ] && grep -q '^State:.*stopped' "/proc/$(cat /run/stopped)/status"; do sleep 0.05; done; kill -CONT "$(cat /run/stopped)"`)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("the script ended with %v", err)
	}
}

func TestReboot(t *testing.T) {
	t.Parallel()
	h := Start(t, 1)[0]
	h.WriteFile(t, "/etc/systemd/system/web.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n", 0o644)
	h.Run(t, "systemctl daemon-reload; systemctl enable --quiet --now web; systemd-run --quiet --unit passing sleep 3600; echo kept >/srv/file")
	before := h.Run(t, "cat /proc/sys/kernel/random/boot_id; systemctl show -p MainPID --value web")
	h.Reboot(t)
	if after := h.Run(t, "cat /proc/sys/kernel/random/boot_id; systemctl show -p MainPID --value web"); strings.Fields(after)[0] == strings.Fields(before)[0] {
		t.Errorf("before the reboot %q, after it %q", before, after)
	}
	if state := h.Run(t, "cat /srv/file; systemctl is-active web passing || :; journalctl --list-boots --quiet | wc -l"); state != "kept\nactive\ninactive\n2\n" {
		t.Errorf("after the reboot: %q", state)
	}
}

func TestPowerOff(t *testing.T) {
	t.Parallel()
	h := Start(t, 1)[0]
	h.Run(t, `echo kept >/srv/file; systemd-run --quiet --unit polite sh -c 'trap "touch /srv/asked; exit" TERM; touch /srv/waiting; while :; do sleep 0.1; done'
		until [ -e /srv/waiting ]; do sleep 0.05; done`)
	login := dial(t, h)
	before := h.Run(t, "cat /proc/sys/kernel/random/boot_id")
	h.PowerOff(t)
	lost(t, login)
	if c, err := connect(t, h); err == nil {
		_ = c.Close()
		t.Error("sshd answers at a machine that is off")
	}
	if _, err := h.Host.Run(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), "machine a is off") {
		t.Errorf("a script in a machine that is off: %v", err)
	}
	h.Boot(t)
	_ = dial(t, h)
	if h.Run(t, "cat /proc/sys/kernel/random/boot_id") == before {
		t.Error("it did not boot")
	}
	if files := h.Run(t, "cd /srv; echo *; cat file"); files != "file waiting\nkept\n" {
		t.Errorf("after the boot: %q", files)
	}
	if err := h.Host.Boot(t.Context()); err == nil || !strings.Contains(err.Error(), "it is on") {
		t.Errorf("a boot of a machine that is on: %v", err)
	}
}

func TestStopSSH(t *testing.T) {
	t.Parallel()
	h := Start(t, 1)[0]
	login := dial(t, h)
	h.StopSSH(t)
	lost(t, login)
	if c, err := connect(t, h); err == nil {
		_ = c.Close()
		t.Error("sshd answers after it was stopped")
	}
	if state := h.Run(t, "systemctl is-system-running"); state != "running\n" {
		t.Errorf("the machine is %q", state)
	}
	h.StartSSH(t)
	_ = dial(t, h)
}

func connect(t *testing.T, h *Host) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(t.Context(), "tcp", net.JoinHostPort(h.Address, strconv.Itoa(h.Port)))
}

// dial connects to sshd, and waits until it answers.
func dial(t *testing.T, h *Host) net.Conn {
	t.Helper()
	c, err := connect(t, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, make([]byte, len("SSH-"))); err != nil {
		t.Fatal(err)
	}
	return c
}

// lost waits until the other side ended the connection.
func lost(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still there")
	}
}

func TestSmallDisk(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	hosts := Start(t, 2, SmallDisk("b", size))
	for _, h := range hosts {
		_, err := h.Host.Run(t.Context(), fmt.Sprintf("head -c %d /dev/zero >/srv/large", 2*size))
		switch h.Name {
		case "a":
			if err != nil {
				t.Errorf("a disk of the usual size: %v", err)
			}
		case "b":
			if err == nil || !strings.Contains(err.Error(), "No space left on device") {
				t.Errorf("a small disk took twice its size: %v", err)
			}
			h.Run(t, "echo elsewhere >/root/file") // The other disk has room.
			h.Reboot(t)
			if left := h.Run(t, "stat -c %s /srv/large; stat -f -c '%a %b*%S' /srv"); !strings.HasPrefix(left, fmt.Sprintf("%d\n0 ", size)) {
				t.Errorf("after a reboot: %q", left)
			}
		}
	}
}

func TestSharedMachinesAreReady(t *testing.T) {
	a := Shared(t, 1)[0]
	boot := "cat /proc/sys/kernel/random/boot_id"
	before := a.Run(t, boot)
	a.StopSSH(t)
	if again := Shared(t, 1)[0]; again != a || a.Run(t, boot) != before {
		t.Error("another machine, or booted again")
	}
	_ = dial(t, a)
	a.PowerOff(t)
	if again := Shared(t, 1)[0]; again != a || a.Run(t, boot) == before {
		t.Error("another machine, or not booted again")
	}
	_ = dial(t, a)
}

// What units of the provider ask for is done, not ignored.
func TestUnitsAreHardened(t *testing.T) {
	h := Shared(t, 1)[0]
	h.Run(t, "umask 077; echo secret >/etc/credential; umask 022; mkdir -p /srv/mine /srv/others; touch /tmp/outer")
	port := strconv.Itoa(h.Port)
	for _, c := range []struct{ properties, script, want string }{
		{"ProtectSystem=strict", "touch /srv/others/file || echo refused", "refused"},
		{"ProtectSystem=strict ReadWritePaths=/srv/mine", "touch /srv/mine/file && echo written; touch /srv/others/file || echo refused", "written refused"},
		{"ProtectHome=yes", "ls -A /home", ""},
		{"PrivateTmp=yes", "ls -A /tmp", ""},
		{"PrivateDevices=yes", "mknod /srv/others/node c 1 3 || echo refused", "refused"},
		{"DynamicUser=yes StateDirectory=web", `[ $(id -u) -gt 60000 ] && touch "$STATE_DIRECTORY/file" && echo written`, "written"},
		{"User=deploy LoadCredential=token:/etc/credential", `cat "$CREDENTIALS_DIRECTORY/token"; stat -c %a:%U "$CREDENTIALS_DIRECTORY/token"; cat /etc/credential || echo refused`, "secret 400:deploy refused"},
		{"DynamicUser=yes LoadCredential=token:/etc/credential", `cat "$CREDENTIALS_DIRECTORY/token"`, "secret"},
		{"User=deploy EnvironmentFile=-/etc/credential NoNewPrivileges=yes", "grep NoNewPrivs: /proc/self/status; sudo -n systemctl is-active ssh || echo refused", "NoNewPrivs: 1 refused"},
		{"CapabilityBoundingSet=", "grep CapBnd: /proc/self/status", "CapBnd: 0000000000000000"},
		{"User=deploy AmbientCapabilities=CAP_NET_BIND_SERVICE", "grep CapAmb: /proc/self/status", "CapAmb: 0000000000000400"},
		{"RestrictAddressFamilies=AF_UNIX", "exec 3<>/dev/tcp/" + h.Address + "/" + port + " || echo refused", "refused"},
		{"RestrictAddressFamilies=AF_INET", "exec 3<>/dev/tcp/" + h.Address + "/" + port + " && echo connected", "connected"},
		{"SystemCallFilter=@system-service SystemCallErrorNumber=EPERM", "mount -t tmpfs none /mnt || echo refused", "refused"},
		{"RestrictNamespaces=yes", "unshare --mount true || echo refused", "refused"},
		{"RestrictSUIDSGID=yes", "touch /srv/others/file; chmod u+s /srv/others/file || echo refused", "refused"},
		{"LockPersonality=yes", "setarch -R true || echo refused", "refused"},
		{"RestrictRealtime=yes", "chrt -f 1 true || echo refused", "refused"},
		{"MemoryDenyWriteExecute=yes", `perl -e 'print syscall(9,0,4096,7,34,-1,0) == -1 ? "refused" : "mapped"'`, "refused"},
		{"ProtectKernelTunables=yes", "echo 1 >/proc/sys/kernel/panic || echo refused", "refused"},
		{"ProtectControlGroups=yes", "mkdir /sys/fs/cgroup/mine || echo refused", "refused"},
		{"ProtectProc=invisible User=deploy", "[ -e /proc/1 ] || echo invisible", "invisible"},
		{"UMask=0077 LimitNOFILE=1234", "umask; ulimit -n", "0077 1234"},
	} {
		var arguments strings.Builder
		for p := range strings.FieldsSeq(c.properties) {
			arguments.WriteString(" -p " + p)
		}
		out := h.Run(t, "systemd-run --quiet --wait --pipe --collect"+arguments.String()+" bash -c '"+strings.ReplaceAll(c.script, "'", `'\''`)+"' 2>/dev/null || :")
		if got := strings.Join(strings.Fields(out), " "); got != c.want {
			t.Errorf("%s: %q, not %q", c.properties, got, c.want)
		}
	}
}

// HAProxy is there, switched off.
func TestHAProxy(t *testing.T) {
	h := Shared(t, 1)[0]
	if state := h.Run(t, "systemctl is-enabled haproxy; systemctl is-active haproxy; haproxy -v | head -1 | cut -d. -f1,2"); state != "disabled\ninactive\nHAProxy version 2.6\n" {
		t.Errorf("haproxy: %q", state)
	}
	t.Cleanup(func() { h.Run(t, "systemctl stop haproxy") })
	port := FreePorts(t, 1)[0]
	h.WriteFile(t, "/etc/haproxy/haproxy.cfg", fmt.Sprintf(`global
	stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend f
	bind %s:%d
	http-request return status 200 content-type text/plain string "by haproxy"
`, h.Address, port), 0o644)
	if out := h.Run(t, fmt.Sprintf("systemctl start haproxy; curl -sS http://%s:%d/; stat -c ' %%F' /run/haproxy/admin.sock", h.Address, port)); out != "by haproxy socket\n" {
		t.Errorf("haproxy answers %q", out)
	}
}
