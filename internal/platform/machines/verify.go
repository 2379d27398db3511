package machines

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// systemd goes on without a setting that it does not understand, and says so in its log alone. So it is asked before anything is started.

// draft is a unit as it would be written: those of a machine have the same settings, so one of them stands for all.
type draft struct {
	unit unit
	// text of the unit, dropIns by name.
	text    string
	dropIns map[string]string
}

// draft of the part's first unit. Of a release of which only the id is known, what the definition says of its units is looked at.
func (m *Machines) draft(p part, c service.Content) (draft, error) {
	if c.Host == nil || len(c.Host.Command) == 0 {
		c.Host = &service.HostContent{Command: []string{"/bin/true"}}
	}
	d := draft{unit: m.unit(p, p.instances[0], c), dropIns: m.dropIns(p)}
	var err error
	d.text, err = d.unit.render()
	return d, err
}

// verify tells what systemd of the part's machine would leave out of the draft. It is asked last, by a script of its own: on a slow machine
// that takes seconds, and where the time is over, nothing is known of it, and all the rest still is.
func (p part) verify(ctx context.Context, d draft) []service.Problem {
	if p.Existing != "" {
		return nil // It is the user's, and stays as it is.
	}
	out, err := p.look(ctx, p.prelude()+d.script()+"exit 0\n")
	if err != nil {
		return nil
	}
	var problems []service.Problem
	for _, text := range d.problems(strings.Split(out, "\n")) {
		problems = append(problems, problem(text, "systemd"))
	}
	return problems
}

// script has systemd read it: see problems.
func (d draft) script() string {
	var b strings.Builder
	b.WriteString("unit=" + shellword.Quote(d.unit.unit) + "\ndrafts() {\n")
	put := func(name, text string) {
		b.WriteString("printf '%s' " + shellword.Quote(text) + " >\"$draft\"/" + shellword.Quote(name) + " || return\n")
	}
	put(d.unit.unit, d.text)
	for _, name := range slices.Sorted(maps.Keys(d.dropIns)) {
		put(d.unit.unit+".d/"+name, d.dropIns[name])
	}
	b.WriteString("}\n" + verifyBody)
	return b.String()
}

var (
	// complaintPattern is what systemd says of a line of a file.
	complaintPattern = regexp.MustCompile(`^(.*?):([0-9]+): (.*)$`)
	// ignoredPattern tells what has no effect, or stops it all, from advice on what is out of fashion.
	ignoredPattern = regexp.MustCompile(`(?i)ignor|unknown|invalid|failed to|missing|refus|neither|not (an )?(absolute|valid|supported|permitted)`)
)

// problems are what systemd would leave out, by what script said.
func (d draft) problems(said []string) []string {
	at, version := "", "systemd there"
	var order []string
	by := map[string][]string{}
	note := func(what, words string) {
		if by[what] == nil {
			order = append(order, what)
		}
		by[what] = append(by[what], strings.TrimSuffix(strings.TrimSpace(words), "."))
	}
	lines := strings.Split(d.text, "\n")
	own := d.unit.own()
	for _, line := range said {
		word, text, _ := strings.Cut(line, " ")
		switch word {
		case "draft":
			at = text
		case "version":
			version = "systemd " + text
		case "said":
			if words, is := strings.CutPrefix(text, d.unit.unit+": "); is && strings.Contains(words, "efus") {
				note("would refuse the unit "+d.unit.unit, words)
				continue
			}
			found := complaintPattern.FindStringSubmatch(text)
			if found == nil || !ignoredPattern.MatchString(found[3]) {
				continue
			}
			file, ours := strings.CutPrefix(found[1], at)
			n, err := strconv.Atoi(found[2])
			if !ours || err != nil {
				continue
			}
			if name, is := strings.CutPrefix(file, d.unit.unit+".d/"); is {
				// The first line is the mark of whose it is.
				note(fmt.Sprintf("would ignore what is in the drop-in %[1]s (platform.host.systemd.drop_ins[%[1]q])", name), fmt.Sprintf("line %d: %s", n-1, found[3]))
			} else if file == d.unit.unit && n >= 1 && n <= len(lines) {
				setting, _, _ := strings.Cut(lines[n-1], "=")
				if _, limit := d.unit.systemd.Limits[setting]; limit {
					note(fmt.Sprintf("would ignore the limit %s (platform.host.systemd.limits[%q])", setting, setting), file+": "+found[3])
				} else if !own[setting] {
					note(fmt.Sprintf("would ignore %s of the unit %s", setting, file), found[3])
				}
			}
		}
	}
	problems := make([]string, len(order))
	for n, what := range order {
		problems[n] = fmt.Sprintf("%s %s: %s; mend it, or leave it out where systemd is too old for it", version, what, strings.Join(by[what], "; "))
	}
	return problems
}

// own are the settings that are there for all of our units where systemd has them: an older one goes without.
func (u unit) own() map[string]bool {
	all := map[string]bool{"Type": true}
	u.harden(func(name, _ string) { all[name] = true })
	for _, needed := range []string{"AmbientCapabilities", "ReadWritePaths"} {
		delete(all, needed)
	}
	return all
}
