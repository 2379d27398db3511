package machines

import (
	"context"
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
		out, err := one.look(ctx, one.prelude()+one.logScript(limit))
		if err != nil {
			return fmt.Errorf("%s: %w", one.instances[0].Name, err)
		}
		all[n] = logLines(out, limit)
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

// logScript says "since" and when it was started, and then what it wrote since, at most limit lines, the last one first: the other way
// round journalctl would say the first ones.
func (p part) logScript(limit int) string {
	return p.sinceScript() + fmt.Sprintf(`
echo "since $since"
journal --sync >/dev/null 2>&1
journal -a -o cat -r -n %d "--since=@$since" $who | head -c %d
`, limit, logBytes)
}

// sinceScript ends where the release was not started, and sees to it that the journal can be read.
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
	if p.Scope == service.ScopeUser {
		return script + "who=\"$match=$unit _UID=$(id -u)\"\n"
	}
	return script + "who=\"$match=$unit\"\n"
}

// logLines are the lines of what a log script says, in their order.
func logLines(out string, limit int) []string {
	_, text, found := strings.Cut(out, "\n")
	if !found || text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(text) >= logBytes { // The last one may be cut off.
		lines = lines[:len(lines)-1]
	}
	lines = lines[:min(len(lines), limit)]
	slices.Reverse(lines)
	return lines
}

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

// LogsMissing says what of the lines that p's instances wrote since they were started Logs cannot return however many it is
// asked for; empty: nothing.
func (m *Machines) LogsMissing(ctx context.Context, p service.Placement) (string, error) {
	instances, err := m.single(ctx, p)
	if err != nil {
		return "", fmt.Errorf("look whether the log of %s is complete: %w", p.Release, err)
	}
	reasons := make([]string, len(instances))
	err = each(instances, 0, func(n int, one part) error {
		out, err := one.look(ctx, one.prelude()+one.sinceScript()+missingBody)
		if err != nil {
			return fmt.Errorf("%s: %w", one.instances[0].Name, err)
		}
		reasons[n] = one.missing(out)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look whether the log of %s is complete: %w", p.Release, err)
	}
	var told []string
	for _, reason := range reasons {
		if reason != "" {
			told = append(told, reason)
		}
	}
	return strings.Join(told, "; "), nil
}

func (p part) missing(out string) string {
	said := map[string]string{}
	for line := range strings.Lines(out) {
		word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[word] = value
	}
	since, oldest := seconds(said["since"]), seconds(said["oldest"])
	name := p.instances[0].Name
	switch {
	case said["dropped"] != "":
		return name + ": the journal dropped lines: " + said["dropped"]
	case !since.IsZero() && oldest.After(since):
		return fmt.Sprintf("%s: the journal begins at %s, and it was started at %s", name, moment(oldest), moment(since))
	}
	return ""
}
