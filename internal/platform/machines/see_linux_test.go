package machines

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A look at what simply runs asks systemd once, and the journal not at all; when the machine was started, and what systemd says of itself, is asked
// where something may be on its way.
func TestWhatALookAsks(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		asked := filepath.Join(p.Directory, "asked")
		p.instances = []instance{{unit: "web-blue-0.service", slot: "blue"}, {unit: "web-blue-1.service", slot: "blue", number: 1}}
		for state, want := range map[string]int{"active": 1, "reloading": 1, "inactive": 3, "failed": 3, "activating": 3, "deactivating": 3} {
			p.program(t, "systemctl", "echo systemctl $* >>"+asked+"\ncase $* in *is-system-running*) echo starting ;; *UserspaceTimestamp*) echo Thu 2026-11-26 06:00:00 UTC ;; *)\n"+
				"printf 'Id=web-blue-0.service\\nActiveState=active\\nNRestarts=0\\nMainPID=0\\n\\nId=web-blue-1.service\\nActiveState="+state+"\\nNRestarts=0\\nMainPID=0\\n' ;; esac\n")
			p.program(t, "journalctl", "echo journalctl $* >>"+asked+"\n")
			if err := os.RemoveAll(asked); err != nil {
				t.Fatal(err)
			}
			seen, err := p.see(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all, err := os.ReadFile(asked)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(all), "\n"); n != want {
				t.Errorf("one is %s: %d questions instead of %d:\n%s", state, n, want, all)
			}
			if got := seen[1].manager == "starting" && !seen[1].boot.IsZero(); got != (want > 1) || seen[1].properties["ActiveState"] != state {
				t.Errorf("one is %s: %+v", state, seen[1])
			}
		}
	})
}
