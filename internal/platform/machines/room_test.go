package machines

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// What a preflight asks for is what the scripts use, and what an artifact takes to be unpacked.
func TestTools(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"": "", "web": "", "web.tar.gz": "gzip", "web.tgz": "gzip", "web.tar.zst": "zstd", "web.tzst": "zstd"} {
		reference := ""
		if path != "" {
			reference = service.Reference{Path: path, Digest: "sha256:" + strings.Repeat("0", 64)}.String()
		}
		asked := strings.Fields(tools(reference))
		for _, tool := range []string{"tar", "sed", "grep", "sha256sum", "flock", "systemctl", "journalctl"} {
			if !slices.Contains(asked, tool) {
				t.Errorf("%q: %s is not asked for", path, tool)
			}
		}
		for _, tool := range []string{"cmp", "find"} { // It works without them.
			if slices.Contains(asked, tool) {
				t.Errorf("%q: %s is asked for", path, tool)
			}
		}
		for _, tool := range []string{"gzip", "zstd"} {
			if slices.Contains(asked, tool) != (tool == want) {
				t.Errorf("%q asks for %q", path, asked)
			}
		}
	}
}

// roomProblems is what room.sh finds in the way here, with variables and programs of the test.
func roomProblems(t *testing.T, script string, programs string) []string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), shell, "-c", "PATH="+programs+"\nsay() { printf '%s\\n' \"$*\"; }\n"+script+"\n"+roomBody)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var problems []string
	for _, p := range readProblems(string(out)) {
		problems = append(problems, strings.Join(p.Path[2:], ".")+": "+p.Detail)
	}
	return problems
}

// A group and paths that a unit does not start without are asked for. What only root may see, we do not know of.
func TestMissingGroupAndPaths(t *testing.T) {
	t.Parallel()
	there := t.TempDir()
	room := func(group string, paths ...string) []string {
		script := "dir=/ sudo=sudo user= tools= group=" + shellword.Quote(group) + "; set --"
		for _, path := range paths {
			script += " " + shellword.Quote(path)
		}
		return roomProblems(t, script, `"$PATH"`)
	}
	if got := room("root", there, there+"/", "/"); len(got) > 0 {
		t.Errorf("what is there: %q", got)
	}
	if got := room("0"); len(got) > 0 {
		t.Errorf("a group by its number: %q", got)
	}
	got := room("no-such-group", there+"/a b/c")
	if len(got) != 2 || !strings.HasPrefix(got[0], "systemd.group: there is no group no-such-group") || !strings.Contains(got[0], "groupadd --system no-such-group") ||
		!strings.HasPrefix(got[1], "systemd.writable: there is no "+there+"/a b/c (systemd.writable)") {
		t.Errorf("got %q", got)
	}
}

// What a unit does not take, or a drop-in sees to, is not asked for.
func TestWhatAUnitNeedsOfItsMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change          func(*service.Systemd)
		login           string
		group, writable bool
	}{
		"hardened":               {func(*service.Systemd) {}, "deploy", true, true},
		"a dynamic user":         {func(*service.Systemd) {}, "root", false, true},
		"root, and a user":       {func(s *service.Systemd) { s.User = "web" }, "root", true, true},
		"not hardened":           {func(s *service.Systemd) { s.Unhardened = true }, "deploy", true, false},
		"the user's own":         {func(s *service.Systemd) { s.Scope = service.ScopeUser }, "deploy", false, false},
		"another group":          {func(s *service.Systemd) { s.DropIns = map[string]string{"a.conf": "[Service]\nGroup=other\n"} }, "deploy", false, true},
		"a directory of its own": {func(s *service.Systemd) { s.DropIns = map[string]string{"a.conf": "[Service]\nStateDirectory=web\n"} }, "deploy", true, false},
		"another drop-in":        {func(s *service.Systemd) { s.DropIns = map[string]string{"a.conf": "[Service]\nNice=5\n"} }, "deploy", true, true},
	} {
		s := service.Systemd{Scope: service.ScopeSystem, Group: "web", Writable: []string{"/var/lib/web"}}
		c.change(&s)
		group, writable := unit{systemd: s, login: c.login}.needs()
		if (group == "web") != c.group || (len(writable) == 1) != c.writable {
			t.Errorf("%s: %q, %q", name, group, writable)
		}
	}
}

// A tool that is missing is named with what has it.
func TestMissingTools(t *testing.T) {
	t.Parallel()
	got := roomProblems(t, "dir=/ sudo=sudo user= group= tools='"+tools("")+"'", t.TempDir())
	if len(got) != len(strings.Fields(tools(""))) {
		t.Errorf("%q", got)
	}
	for tool, from := range map[string]string{"flock": "util-linux", "stat": "coreutils", "journalctl": "systemd", "sed": "sed"} {
		if want := "directory: there is no " + tool + ": install it (package " + from + ")"; !slices.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
