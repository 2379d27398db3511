package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// drafted is the draft of a definition's units, on its first host.
func drafted(t *testing.T, change func(*service.HostPlatform)) draft {
	t.Helper()
	d := definition()
	change(&d)
	m := open(t, d, func(name string) fake { return fake{name: name} })
	p, err := m.Placement(service.Release{ID: "production/web/1.0.0-00000000"}, "blue")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := m.parts(p)
	if err != nil {
		t.Fatal(err)
	}
	made, err := m.draft(parts[0], service.Content{Secrets: map[string]string{"TOKEN": "token"}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// verified runs the script with programs of this test in place of systemd's.
func verified(t *testing.T, d draft, programs map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		component.WriteProgram(t, filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"))
	}
	for _, name := range []string{"mktemp", "rm", "mkdir", "sed", "head", "timeout", "cat", "grep", "cut", "sh", "sleep"} {
		at, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(at, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	scratch := t.TempDir()
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", "match=_SYSTEMD_UNIT\n"+d.script())
	command.Env = []string{"PATH=" + dir, "TMPDIR=" + scratch}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return d.problems(strings.Split(string(out), "\n"))
}

// Of an old systemd it is told what it would leave out of what the user wrote, and not what units have where systemd knows it.
func TestWhatAnOldSystemdSays(t *testing.T) {
	t.Parallel()
	d := drafted(t, func(d *service.HostPlatform) {
		d.Systemd.Secrets = service.SecretsCredentials
		d.Systemd.Limits = map[string]string{"MemoryMax": "1G", "MemoryZSwapMax": "1G"}
		d.Systemd.DropIns = map[string]string{"10-a.conf": "[Service]\nMemory=1", "b.conf": "[Unit]\n"}
	})
	// As version 239 says it, of each setting that it does not know.
	analyze := `[ "$1 $2" = "verify --man=no" ] || exit 1
		for setting in ProtectClock ProtectKernelLogs MemoryZSwapMax LoadCredential; do
			n=$(grep -n "^$setting=" "$3" | cut -d : -f 1)
			echo "$3:$n: Unknown lvalue '$setting' in section 'Service'" >&2
		done
		n=$(grep -n "^Type=" "$3" | cut -d : -f 1)
		echo "$3:$n: Failed to parse service type, ignoring: exec" >&2
		n=$(grep -n "^MemoryMax=" "$3" | cut -d : -f 1)
		echo "$3:$n: Unit uses MemoryMax=; please use another instead. Support for it will be removed soon." >&2
		echo "$3.d/10-a.conf:3: Unknown lvalue 'Memory' in section 'Service'" >&2
		echo "/etc/systemd/system/other.service:3: Unknown lvalue 'Memory' in section 'Service'" >&2
		echo "${3##*/}: Command /srv/web/releases/x/web is not executable: No such file or directory" >&2
		echo "${3##*/}: Service has both this and that. Refusing." >&2
		exit 1`
	got := verified(t, d, map[string]string{"systemd-analyze": analyze, "systemctl": "echo 'systemd 239 (239-82.el8)'; echo +PAM"})
	const end = "; mend it, or leave it out where systemd is too old for it"
	want := []string{
		`systemd 239 would ignore the limit MemoryZSwapMax (platform.host.systemd.limits["MemoryZSwapMax"]): production-web-blue-0.service: Unknown lvalue 'MemoryZSwapMax' in section 'Service'` + end,
		`systemd 239 would ignore LoadCredential of the unit production-web-blue-0.service: Unknown lvalue 'LoadCredential' in section 'Service'` + end,
		`systemd 239 would ignore what is in the drop-in 10-a.conf (platform.host.systemd.drop_ins["10-a.conf"]): line 2: Unknown lvalue 'Memory' in section 'Service'` + end,
		`systemd 239 would refuse the unit production-web-blue-0.service: Service has both this and that. Refusing` + end,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// Where it cannot be asked, nothing is said.
func TestWhereSystemdCannotBeAsked(t *testing.T) {
	t.Parallel()
	d := drafted(t, func(d *service.HostPlatform) { d.Systemd.Limits = map[string]string{"MemoryMax": "1G"} })
	for name, programs := range map[string]map[string]string{
		"not there":      {},
		"another option": {"systemd-analyze": "echo \"systemd-analyze: unrecognized option '--man=no'\" >&2; exit 1", "systemctl": "exit 1"},
		"too slow":       {"systemd-analyze": "exec sleep 600", "systemctl": "exit 1"},
		"no manager":     {"systemd-analyze": "echo 'Failed to initialize manager: Permission denied' >&2; exit 1", "systemctl": "exit 1"},
	} {
		if got := verified(t, d, programs); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Where systemd does not say in time what it thinks of the units, all the rest is known nevertheless.
func TestSlowSystemdIsNoSilentHost(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	var mu sync.Mutex
	m := open(t, definition(), func(name string) fake {
		return fake{name: name, run: func(script string) ([]byte, error) {
			if strings.Contains(script, "systemd-analyze") {
				mu.Lock()
				defer mu.Unlock()
				asked[name] = true
				return nil, context.DeadlineExceeded
			}
			if name == "b" {
				return []byte("problem systemd.scope it is about to end\n"), nil
			}
			return nil, nil
		}}
	})
	problems := m.Unready(t.Context())
	if len(problems) != 1 || problems[0].Detail != "host b: it is about to end" {
		t.Errorf("got %v", problems)
	}
	if len(asked) != len(definition().Hosts) {
		t.Errorf("asked %v", asked)
	}
}

// An error that several machines have in common is told once as well, and each is there to be found.
func TestErrorsOfSeveralMachines(t *testing.T) {
	t.Parallel()
	parts := []part{{host: "a", machine: fake{name: "x@1"}}, {host: "b", machine: fake{name: "x@2"}}, {host: "c", machine: fake{name: "x@3"}}, {host: "d", machine: fake{name: "x@4"}}}
	own := errors.New("its disk is full")
	err := each(parts, 0, func(n int, p part) error {
		switch n {
		case 1:
			return own
		case 3:
			return nil
		}
		return fmt.Errorf("log in to %s: there is no agent", p.machine)
	})
	if want := "hosts a and c: log in to the machine: there is no agent\nhost b (x@2): its disk is full"; err == nil || err.Error() != want || !errors.Is(err, own) {
		t.Errorf("got %v", err)
	}
	if err := each(parts, 0, func(int, part) error { return nil }); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	if err := each([]part{{}}, 0, func(int, part) error { return own }); err == nil || err.Error() != own.Error() {
		t.Errorf("without hosts: %v", err)
	}
}

// What several machines have in common is told once.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	parts := []part{{host: "a", machine: fake{name: "deploy@10.0.0.11"}}, {host: "b", machine: fake{name: "deploy@10.0.0.12"}}, {host: "c", machine: fake{name: "deploy@10.0.0.13"}}}
	got := toldOnce(parts, [][]service.Problem{
		{problem("deploy@10.0.0.11 does not answer: no agent"), problem("no tar", "directory")},
		{problem("deploy@10.0.0.12 does not answer: no agent")},
		{problem("no zstd", "directory"), problem("deploy@10.0.0.13 does not answer: no agent")},
	})
	var texts []string
	for _, p := range got {
		texts = append(texts, strings.Join(p.Path, ".")+": "+p.Detail+" "+fmt.Sprint(p.Hosts))
	}
	want := []string{
		"platform.host.hosts: hosts a, b and c: the machine does not answer: no agent [a b c]", "platform.host.hosts.a: host a: no tar [a]", "platform.host.hosts.c: host c: no zstd [c]",
	}
	if !slices.Equal(texts, want) {
		t.Errorf("got %q", texts)
	}
	if got := toldOnce([]part{{}}, [][]service.Problem{{problem("no tar", "directory")}}); len(got) != 1 || strings.Join(got[0].Path, ".") != "platform.host.directory" || got[0].Detail != "no tar" {
		t.Errorf("without hosts: %v", got)
	}
}
