package machines

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// starts starts the part's release, whose files are there.
func (p part) starts(t *testing.T) func(context.Context) error {
	t.Helper()
	p.program(t, "install", "")
	p.file(t, "records/"+p.release.Label()+".json", "{}\n")
	p.file(t, "releases/"+p.release.Label()+"/web", "")
	m, r := p.platform(t)
	r.Content.Host = &service.HostContent{Command: []string{"/bin/true"}}
	return func(ctx context.Context) error { return m.Start(ctx, r, nil) }
}

const blueUnit = "production-web-blue-0.service"

// A unit that runs already, and cannot be enabled, is not started: it would not come back when the machine is started again. It is left to run.
func TestUnitThatCannotBeEnabled(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		start := p.starts(t)
		asked := filepath.Join(p.Directory, "asked")
		for state, enabled := range map[string]bool{
			"enabled": true, "enabled-runtime": true, "static": true, "indirect": true, "generated": true, "alias": true,
			"disabled": false, "linked": false, "linked-runtime": false, "masked": false, "transient": false, "": false,
		} {
			p.program(t, "systemctl", fmt.Sprintf("echo \"$*\" >>%s\ncase $* in\n"+
				"*' enable '*) echo 'Failed to enable unit: Read-only file system' >&2; exit 1 ;;\n"+
				// Whatever it is then, it was found disabled.
				"*' -p FragmentPath '*) printf 'Id=%s\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=disabled\\nEnvironment=DEPLOY_SLOT=blue DEPLOY_RELEASE=%s\\n' ;;\n"+
				"*show*) printf 'Result=success\\nExecMainPID=17\\nExecMainStatus=0\\nActiveState=active\\nSubState=running\\nUnitFileState=%s\\n' ;;\nesac\n",
				asked, blueUnit, p.release, state))
			err := start(t.Context())
			if enabled && err != nil || !enabled && (err == nil || !strings.Contains(err.Error(), "Read-only file system") ||
				!strings.Contains(err.Error(), blueUnit+" runs, and is not enabled: it would not come back")) {
				t.Errorf("%q: %v", state, err)
			}
		}
		if all, err := os.ReadFile(asked); err != nil || strings.Contains(string(all), "disable") || strings.Contains(string(all), "stop") { //nolint:gosec // of the test's
			t.Errorf("it is not left to run: %s, %v", all, err)
		}
	})
}

// A program's own exit status, such as the 255 of many, speaks against the release, wherever it ended; one of systemd's own is a failed start.
func TestWhoseExitStatus(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		start := p.starts(t)
		for status, systemds := range map[int]bool{1: false, 199: false, 200: true, 203: true, 245: true, 246: false, 255: false} {
			for name, state := range map[string]string{
				"before the program": "ExecMainPID=0\\nExecMainStatus=0\\nActiveState=activating\\nSubState=auto-restart",
				"the program":        fmt.Sprintf("ExecMainPID=17\\nExecMainStatus=%d\\nActiveState=activating\\nSubState=auto-restart", status),
			} {
				p.program(t, "systemctl", "case $* in *' enable '*) echo Job failed >&2; exit 1 ;; *'-p ExecMainPID '*) printf 'Result=exit-code\\n"+state+"\\nUnitFileState=enabled\\n' ;; esac\n")
				p.program(t, "journalctl", fmt.Sprintf("case $* in *-o' json '*) echo '{\"COMMAND\":\"ExecStartPre\",\"EXIT_STATUS\":\"%d\",\"__CURSOR\":\"s=0\"}' ;; esac\n", status))
				if err := start(t.Context()); (err != nil) != systemds || err != nil && !strings.Contains(err.Error(), "systemd did not start it") {
					t.Errorf("%s ended with %d: %v", name, status, err)
				}
			}
		}
	})
}

// How a command ended that is run before the program is known from systemd, also where the journal may not be read; where systemd has
// forgotten it, the next end tells.
func TestHowWhatIsRunBeforeEnded(t *testing.T) {
	t.Parallel()
	const times = "start_time=[Thu 2026-11-26 20:27:56 UTC] ; stop_time=[n/a] ; pid=0 ; "
	command := func(ignored, end string) string {
		return "{ path=/bin/sh ; argv[]=/bin/sh -c 'a ; code=exited ; status=3 }' ; ignore_errors=" + ignored + " ; " + times + end + " }"
	}
	first, never := command("no", "code=exited ; status=0"), command("no", "code=(null) ; status=0/0")
	for name, c := range map[string]struct {
		// says are what systemd says of the commands, one time after the other; then the last one for ever.
		says    []string
		reached bool
		fails   bool
		// result that systemd says; empty: exit-code.
		result string
	}{
		"exited":             {says: []string{first + "\n" + command("no", "code=exited ; status=7") + "\n" + never}},
		"killed":             {says: []string{command("no", "code=killed ; status=9/KILL")}},
		"on a line more":     {says: []string{"{ path=/bin/sh ; argv[]=/bin/sh -c a\nb ; ignore_errors=no ; " + times + "code=exited ; status=255 }"}},
		"not run at all":     {says: []string{first + "\n" + command("no", "code=exited ; status=203")}, fails: true},
		"forgotten":          {says: []string{first + "\n" + never, never + "\n" + never, first + "\n" + command("no", "code=exited ; status=7")}},
		"forgotten whole":    {says: []string{never, first + "\n" + command("no", "code=exited ; status=7")}, result: "success"},
		"of no matter":       {says: []string{command("yes", "code=exited ; status=7") + "\n" + never}, fails: true},
		"nobody knows":       {says: []string{never}, fails: true},
		"came through since": {says: []string{never}, reached: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inEachShell(t, func(t *testing.T, p part) {
				start := p.starts(t)
				const turns = 9
				for n := range turns + 1 {
					p.file(t, fmt.Sprintf("says/%d", n), c.says[min(n, len(c.says)-1)]+"\n")
				}
				pid := "0"
				if c.reached {
					pid = "$n"
				}
				p.program(t, "systemctl", fmt.Sprintf("cd %s/says && n=$(cat n 2>/dev/null || echo 0)\ncase $* in\n*' enable '*) echo Job failed >&2; exit 1 ;;\n"+
					"*'-p ExecMainPID '*) printf 'Result=%s\\nExecMainPID=%%s\\nExecMainStatus=0\\nActiveState=activating\\nSubState=auto-restart\\n' %s ;;\n"+
					"*'-p ExecStartPre '*) cat $n; [ $n = %d ] || n=$((n + 1)); echo $n >n ;;\nesac\n", p.Directory, cmp.Or(c.result, "exit-code"), pid, turns))
				p.program(t, "journalctl", "exit 1\n")
				if err := start(t.Context()); (err != nil) != c.fails || err != nil && !strings.Contains(err.Error(), "systemd did not start it") {
					t.Error(err)
				}
			})
		})
	}
}
