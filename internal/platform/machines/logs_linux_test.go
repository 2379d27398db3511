package machines

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// started has the part's slot say that its release was started.
func (p part) started(t *testing.T) {
	t.Helper()
	p.file(t, "slots/blue/0/since", "1795674890.5\n")
	p.file(t, "slots/blue/0/release", string(p.release)+"\n")
}

// A journal that cannot be read, or that nothing of a release comes into, speaks for no release: neither its log nor that it is complete is known.
func TestJournalThatSaysNothing(t *testing.T) {
	t.Parallel()
	const oldest = "case $* in '-q --no-pager -o short-unix') echo '1795670000.000000 here systemd[1]: Started' ;; esac\n"
	for name, c := range map[string]struct{ journalctl, log, missing string }{
		"refused": {
			"echo No journal files were opened due to insufficient permissions. >&2; exit 1\n",
			"the journal cannot be read: No journal files were opened due to insufficient permissions.", "the journal cannot be read: No journal files",
		},
		"ends in the middle":   {oldest + "echo a line; echo Input/output error >&2; exit 1\n", "the journal cannot be read: Input/output error", "Input/output error"},
		"there is none":        {"", "the journal has nothing of it since it was started at 2026-11-26 06:34:50.500 UTC", "MaxLevelStore="},
		"has others' alone":    {oldest, "not even that systemd started it", "the group systemd-journal"},
		"silent":               {oldest + "case $* in *' + UNIT='*) echo '1795674890.6 here systemd[1]: Started' ;; esac\n", "", ""},
		"silent, and vacuumed": {"case $* in '-q --no-pager -o short-unix') echo '1795679999.000000 here systemd[1]: Started' ;; esac\n", "", "the journal begins at 2026-11-26 07:59:59.000 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inEachShell(t, func(t *testing.T, p part) {
				p.program(t, "journalctl", c.journalctl)
				p.started(t)
				m, r := p.platform(t)
				lines, err := m.Logs(t.Context(), r.Placement, 10)
				if (err == nil) != (c.log == "") || err != nil && !strings.Contains(err.Error(), c.log) || len(lines) > 0 {
					t.Errorf("its log is %q, %v", lines, err)
				}
				missing, err := m.LogsMissing(t.Context(), r.Placement)
				if err != nil {
					missing = err.Error()
				}
				if (missing == "") != (c.missing == "") || !strings.Contains(missing, c.missing) {
					t.Errorf("missing is %q", missing)
				}
			})
		})
	}
}

// What a log says is its lines, whatever they look like. One that is longer than what is read of it is no journal that cannot be read.
func TestLogIsReadWhole(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		p.started(t)
		m, r := p.platform(t)
		p.program(t, "journalctl", "case $* in *--since*) printf '%s\\n' 'end the journal cannot be read' '"+refused+"- no' '' 'C:\\new\\table' ;; esac\n")
		lines, err := m.Logs(t.Context(), r.Placement, 10)
		if got := strings.Join(lines, "|"); err != nil || got != `C:\new\table||`+refused+`- no|end the journal cannot be read` {
			t.Errorf("%q, %v", got, err)
		}
		p.program(t, "journalctl", "case $* in *--since*) yes a line | head -c 13000000 || exit; echo Broken pipe >&2; exit 1 ;; esac\n")
		if lines, err = m.Logs(t.Context(), r.Placement, 10); err != nil || strings.Join(lines, "|") != "a line"+strings.Repeat("|a line", 9) {
			t.Errorf("%q, %v", lines, err)
		}
	})
}

// A log without a line is asked for by one look where the journal has what systemd said of the instance; and where it begins after the instance,
// nothing is waited for.
func TestWhatAnEmptyLogAsks(t *testing.T) {
	t.Parallel()
	inEachShell(t, func(t *testing.T, p part) {
		asked := filepath.Join(p.Directory, "asked")
		p.started(t)
		m, r := p.platform(t)
		questions := func() string {
			t.Helper()
			if lines, err := m.Logs(t.Context(), r.Placement, 10); len(lines) > 0 || err != nil {
				t.Errorf("its log is %q, %v", lines, err)
			}
			all, err := os.ReadFile(asked)
			if err != nil {
				t.Fatal(err)
			}
			return string(all)
		}
		p.program(t, "journalctl", "echo \"$*\" >>"+asked+"\ncase $* in *' UNIT='*) echo '1795674890.6 here systemd[1]: Started' ;; esac\n")
		if all := questions(); strings.Count(all, "\n") != 3 || strings.Count(all, "--sync") != 1 {
			t.Errorf("silent: asked\n%s", all)
		}
		p.program(t, "journalctl", "echo \"$*\" >>"+asked+"\ncase $* in '-q --no-pager -o short-unix') echo '1795679999.000000 here systemd[1]: Started' ;; esac\n")
		if err := os.Remove(asked); err != nil {
			t.Fatal(err)
		}
		if all := questions(); strings.Count(all, "--sync") != 1 {
			t.Errorf("silent, and vacuumed: asked\n%s", all)
		}
	})
}
