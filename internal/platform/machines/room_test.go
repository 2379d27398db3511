package machines

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
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
		for _, tool := range []string{"tar", "sed", "grep", "find", "cmp", "sha256sum", "flock", "systemctl", "journalctl"} {
			if !slices.Contains(asked, tool) {
				t.Errorf("%q: %s is not asked for", path, tool)
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
	command := exec.CommandContext(t.Context(), shell, "-c", "PATH="+programs+"\n"+script+"\n"+roomBody)
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

// A tool that is missing is named with what has it.
func TestMissingTools(t *testing.T) {
	t.Parallel()
	got := roomProblems(t, "dir=/ sudo=sudo user= tools='"+tools("")+"'", t.TempDir())
	if len(got) != len(strings.Fields(tools(""))) {
		t.Errorf("%q", got)
	}
	for tool, from := range map[string]string{"cmp": "diffutils", "find": "findutils", "flock": "util-linux", "stat": "coreutils", "journalctl": "systemd", "sed": "sed"} {
		if want := "directory: there is no " + tool + ": install it (package " + from + ")"; !slices.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
