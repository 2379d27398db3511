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

// Where the journal does not know of the last start yet, it is to write down what it was told, for a second at most, once a look; and only then:
// what it does not know of a start that is long ago it will not know.
func TestJournalThatIsBehind(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		asked, written := filepath.Join(p.Directory, "asked"), filepath.Join(p.Directory, "written")
		p.instances = []instance{{unit: "web-blue-0.service", slot: "blue"}, {unit: "web-blue-1.service", slot: "blue", number: 1}}
		p.file(t, "slots/blue/0/since", "1795674890.5\n")
		p.file(t, "slots/blue/1/since", "1795674890.5\n")
		p.program(t, "journalctl", "echo \"$*\" >>"+asked+"\ncase $* in *--sync*) touch "+written+"; exec sleep 60 ;; esac\n[ ! -e "+written+" ] || echo '"+
			`{"__REALTIME_TIMESTAMP":"1795674895000000","INVOCATION_ID":"b2"}'`+"\necho '"+`{"__REALTIME_TIMESTAMP":"1795674891000000","INVOCATION_ID":"a1"}'`+"\n")
		uptime, err := os.ReadFile("/proc/uptime")
		if err != nil {
			t.Fatal(err)
		}
		whole, _, _ := strings.Cut(string(uptime), ".")
		const long = "ActiveEnterTimestampMonotonic=1234567\n"
		lately := "ActiveEnterTimestampMonotonic=" + whole + "000000\n"
		for _, c := range []struct {
			name, state, other string
			questions, counted int
		}{
			{"behind", "active", "NRestarts=0", 3, 1},
			{"up to date", "active", "NRestarts=0", 1, 1},
			{"up to date for one of two", "active", "NRestarts=1\nInvocationID=c3", 4, 1},
			{"behind for both", "active", "NRestarts=1\nInvocationID=c3", 4, 1},
			{"behind, and started lately", "active\n" + lately, "NRestarts=0", 3, 1},
			{"behind, and started long ago", "active\n" + long, "NRestarts=0", 1, 2},
			{"behind, and being started", "activating\n" + long, "NRestarts=0", 3, 1},
		} {
			p.program(t, "systemctl", `printf 'Id=web-blue-0.service\nActiveState=`+strings.TrimSuffix(c.state, "\n")+`\nNRestarts=2\nMainPID=0\nInvocationID=b2\n\n`+
				`Id=web-blue-1.service\nActiveState=active\nMainPID=0\n`+c.other+`\n'`)
			if err := os.RemoveAll(asked); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(c.name, "behind") {
				_ = os.Remove(written) // It may not be there yet.
			}
			seen, err := p.see(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all, err := os.ReadFile(asked)
			if err != nil {
				t.Fatal(err)
			}
			if got := seen[0].restarts(); got != c.counted || strings.Count(string(all), "\n") != c.questions || strings.Count(string(all), "--sync") > 1 {
				t.Errorf("%s: %d restarts, by %+v, after:\n%s", c.name, got, seen[0].starts, all)
			}
			if got := seen[1].restarts(); got != seen[1].number("NRestarts") {
				t.Errorf("%s: %d restarts of another one, by %+v", c.name, got, seen[1].starts)
			}
		}
	})
}
