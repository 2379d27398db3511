package machines

import (
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
