package machines

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// sight is what a look at an instance's machine saw of it.
type sight struct {
	// properties of the unit, by systemd's names.
	properties map[string]string
	// last is the release that was started there last, since when, and when it was stopped.
	last           service.ReleaseID
	since, stopped time.Time
	// process is the release by the environment of the main process; empty where it cannot be read.
	process string
	// death is the last one, where it was started again since; starts are those that the journal knows of since then.
	death  death
	starts starts
	// boot is when the machine was started, and manager what systemd says of itself; both are asked where something is not simply active.
	boot    time.Time
	manager string
	// machine tells one start of it from another.
	machine string
	// sockets that listen where instances of the part do; held are those of the unit's processes. hidden: some processes do not let us see them.
	sockets []socket
	held    map[string]bool
	hidden  bool
	// user is whom the unit's processes run as, by number.
	user string
	// holders by socket, of others.
	holders map[string]string
}

// see asks the part's machine once for what there is of its instances, in their order.
func (p part) see(ctx context.Context) ([]sight, error) {
	out, err := p.look(ctx, p.prelude()+p.seeScript())
	if err != nil {
		return nil, err
	}
	return p.readSights(out)
}

// seeScript says, a line each, a word and its values: see readSights.
func (p part) seeScript() string {
	var b strings.Builder
	b.WriteString("each() {\n")
	for n, i := range p.instances {
		fmt.Fprintf(&b, "\"$1\" %d %s %s\n", n, shellword.Quote(i.unit), shellword.Quote(slotDirectory(p.Directory, i)))
	}
	b.WriteString("}\nwanted=" + shellword.Quote(strings.Join(p.wanted(), " ")) + "\n")
	b.WriteString("where=" + shellword.Quote(p.listening()) + "\n")
	b.WriteString(seeBody)
	return b.String()
}

// readSights reads what seeScript says.
func (p part) readSights(out string) ([]sight, error) {
	if err := refusalIn(out); err != nil { // behind what else a script has said
		return nil, err
	}
	shown, rest, found := strings.Cut(out, "\nend\n")
	if !found {
		return nil, errors.New("its answer is cut off")
	}
	seen := make([]sight, len(p.instances))
	byUnit := map[string][]int{}
	for n, i := range p.instances {
		seen[n] = sight{properties: map[string]string{}, held: map[string]bool{}, holders: map[string]string{}}
		byUnit[i.unit] = append(byUnit[i.unit], n)
	}
	for block := range strings.SplitSeq(shown, "\n\n") {
		properties := map[string]string{}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, "=")
			properties[name] = value
		}
		for _, n := range byUnit[properties["Id"]] {
			seen[n].properties = properties
		}
	}
	var sockets []string
	for line := range strings.SplitSeq(strings.ReplaceAll(rest, "\x00", ""), "\n") {
		word, value, _ := strings.Cut(line, " ")
		key, value, _ := strings.Cut(value, " ")
		switch word {
		case "boot":
			for n := range seen {
				seen[n].boot, _ = time.Parse(systemdTime, key+" "+value) // Not told: nothing is older.
			}
		case "manager":
			for n := range seen {
				seen[n].manager = key
			}
		case "machine":
			for n := range seen {
				seen[n].machine = key + " " + value
			}
		case "slot":
			n, err := strconv.Atoi(key)
			what, value, _ := strings.Cut(value, " ")
			if err == nil && n >= 0 && n < len(seen) {
				seen[n].slotFile(what, value)
			}
		case "socket":
			sockets = append(sockets, key+" "+value)
		case "holder":
			for n := range seen {
				seen[n].holders[key] = value
			}
		default:
			for _, n := range byUnit[key] {
				seen[n].unitLine(word, value)
			}
		}
	}
	listening := readSockets(sockets)
	for n := range seen {
		seen[n].sockets = listening
	}
	return seen, nil
}

func (s *sight) slotFile(what, value string) {
	switch what {
	case "release":
		s.last = service.ReleaseID(value)
	case "since":
		s.since = seconds(value)
	case "stopped":
		s.stopped = seconds(value)
	}
}

func (s *sight) unitLine(word, value string) {
	switch word {
	case "process":
		s.process = value
	case "user":
		s.user = value
	case "held":
		s.held[value] = true
		s.hidden = s.hidden || value == "hidden"
	case "event":
		s.event(value)
	}
}

// seconds reads a time in seconds since 1970, with fractions.
func seconds(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}
	}
	ns, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(s, ns)
}

// listener tells whether the instance listens on its address, and describes who else does; empty if nobody.
func (s sight) listener(i instance, address string) (own bool, other string) {
	for _, l := range s.sockets {
		if l.port != i.port || !l.accepts(address) {
			continue
		}
		holder := s.holders[l.inode]
		switch {
		case s.held[l.inode]:
			own = true
		case holder != "":
			other = holder
		case s.hidden && s.user == l.user:
			own = true // Its processes do not let us see their sockets, and it is of their user.
		default:
			other = "a process of the user with the id " + l.user
		}
	}
	return own, other
}
