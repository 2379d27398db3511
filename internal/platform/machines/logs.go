package machines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// logBytes bounds what is read of one instance's log.
const logBytes = 12 << 20

// Logs implements delivery.Platform. Each of several instances gets its share of the limit.
func (m *Machines) Logs(ctx context.Context, p service.Placement, limit int) ([]string, error) {
	instances, err := m.single(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", p.Release, err)
	}
	all := make([][]string, len(instances))
	err = each(instances, 0, func(n int, one part) error {
		var err error
		if all[n], err = one.log(ctx, limit); err != nil {
			return fmt.Errorf("%s: %w", one.instances[0].Name, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", p.Release, err)
	}
	var lines []string
	for n, kept := range share(all, limit) {
		for _, line := range kept {
			if len(instances) > 1 {
				line = instances[n].instances[0].Name + ": " + line
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// single takes a placement apart by instance.
func (m *Machines) single(ctx context.Context, p service.Placement) ([]part, error) {
	parts, err := m.parts(p)
	if err == nil {
		err = m.Reach(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	var all []part
	for _, one := range parts {
		for _, i := range one.instances {
			alone := one
			alone.instances = []instance{i}
			all = append(all, alone)
		}
	}
	return all, nil
}

// log is what the part's only instance wrote since it was started. A journal that has nothing of it, not even that it was started, is an
// error: nothing speaks against a release there whatever it wrote.
func (p part) log(ctx context.Context, limit int) ([]string, error) {
	out, err := p.look(ctx, p.prelude()+p.sinceScript()+fmt.Sprintf("lines=%d bytes=%d\n", limit, logBytes)+logsBody)
	if err != nil || out == "" {
		return nil, p.explain(err)
	}
	lines, err := logLines(out, limit)
	if err != nil || len(lines) > 0 || strings.HasSuffix(out, logEnd+"\nseen\n") {
		return lines, p.explain(err)
	}
	k, err := p.kept(ctx)
	if err == nil && k.blind() {
		err = errors.New(k.nothing())
	}
	return nil, err
}

// sinceScript ends where the release was not started, and sees to it that the journal can be read. It says of whom to ask the journal:
// $who are the instance's lines, $about what systemd says of it.
func (p part) sinceScript() string {
	i := p.instances[0]
	script := "unit=" + shellword.Quote(i.unit) + " files=" + shellword.Quote(slotDirectory(p.Directory, i)) + "\n"
	if p.Existing != "" {
		script += "there=$release since=$(show --value -p ActiveEnterTimestamp \"$unit\") && since=$(date -d \"${since:-now}\" +%s)\n"
	} else {
		script += "there= since=; [ -e \"$files/since\" ] && read -r since <\"$files/since\" && read -r there <\"$files/release\"\n"
	}
	script += "[ \"$there\" = \"$release\" ] || exit 0\n"
	// Who may not see others' messages is told so by journalctl only where it finds none at all.
	if p.Scope == service.ScopeSystem && !p.Sudo {
		script += `if [ "$(id -u)" != 0 ]; then
	case " $(id -Gn) " in *" systemd-journal "* | *" adm "*) ;; *)
		fail '' "the user $(id -un) cannot read the journal: make it a member of the group systemd-journal (usermod -aG systemd-journal $(id -un)), or let it use sudo" ;;
	esac
fi
`
	}
	script += "who=\"$match=$unit\" about=\"$field=$unit\"\n"
	if p.Scope == service.ScopeUser {
		script += "mine=_UID=$(id -u); who=\"$who $mine\" about=\"$about $mine\"\n"
	}
	return script + journalBody
}

// logLines are the lines of what a log script says, in their order.
func logLines(out string, limit int) ([]string, error) {
	_, text, _ := strings.Cut(out, "\n")
	end := strings.LastIndex(text, logEnd)
	if end < 0 {
		return nil, errors.New("its answer is cut off")
	}
	why, _, _ := strings.Cut(text[end+len(logEnd):], "\n")
	text = text[:end]
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	switch {
	case len(text) >= logBytes: // Then the last line may be cut off, and journalctl was ended in the middle.
		lines = lines[:len(lines)-1]
	case why != "":
		return nil, &refusal{text: why}
	case text == "":
		return nil, nil
	}
	lines = lines[:min(len(lines), limit)]
	slices.Reverse(lines)
	return lines, nil
}

// logEnd is what a log script says behind the log, before why that could not be read. On a line of its own it says then that an empty one is known to
// be empty: the journal has what systemd said of the instance.
const logEnd = "\nend "

// share gives each log its part of the limit, and what one does not need to the others.
func share(all [][]string, limit int) [][]string {
	kept := make([][]string, len(all))
	left, open := limit, len(all)
	for open > 0 && left > 0 {
		portion := max(left/open, 1)
		open = 0
		for n, lines := range all {
			more := min(portion, len(lines)-len(kept[n]), left)
			kept[n] = lines[len(lines)-len(kept[n])-more:]
			left -= more
			if len(kept[n]) < len(lines) {
				open++
			}
		}
	}
	return kept
}
