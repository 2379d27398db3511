package machines

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// wanted are the names of the part's units.
func (p part) wanted() []string {
	all := make([]string, 0, len(p.instances))
	for _, i := range p.instances {
		if !slices.Contains(all, i.unit) {
			all = append(all, i.unit)
		}
	}
	return all
}

// startScript starts the part's units from the files on standard input. Units that run this release are left alone.
func (p part) startScript(d service.HostPlatform) string {
	var b strings.Builder
	b.WriteString("wanted=" + shellword.Quote(strings.Join(p.wanted(), " ")) + " mark=" + shellword.Quote(mark(p.release.Service())) + " whole=" + wholeFile + "\n")
	b.WriteString("listen=" + shellword.Quote(listenPattern(p.address)) + " loopback=" + shellword.Quote(p.notListening()) + " listens=" + shellword.Quote(listensPattern) + "\n")
	b.WriteString("dropins=" + shellword.Quote(strings.Join(slices.Sorted(maps.Keys(d.Systemd.DropIns)), " ")) + "\n")
	// What belongs to a unit: its number and its port.
	b.WriteString("of() { case $1 in\n")
	for _, i := range p.instances {
		fmt.Fprintf(&b, "%s) number=%d port=%s ;;\n", shellword.Quote(i.unit), i.number, portPattern(i.port))
	}
	b.WriteString("esac; }\n")
	if e := d.Existing; e != nil && e.Slot == p.slot {
		// Whatever else it is, it has the port, or is about to. A unit that is not there is inactive.
		fmt.Fprintf(&b, "state=$(show --value -p ActiveState %[1]s)\ncase $state in inactive | failed) ;; "+
			"*) fail '' \"slot $slot holds another release: the unit \"%[1]s\" is ${state:-not known to systemd} there; stop it first\" ;; esac\n", shellword.Quote(e.Unit))
	}
	b.WriteString(theirsBody)
	b.WriteString(startBody)
	return b.String()
}

// notListening finds sockets that are not the address' although they match its pattern.
func (p part) notListening() string {
	if strings.Contains(listenPattern(p.address), "[0-9A-F]+)") && p.address != "localhost" {
		return loopbackPattern
	}
	return "^$"
}

// explain says what a refusal of the start script means.
func (p part) explain(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	switch r.kind {
	case "port":
		text, holder, _ := strings.Cut(r.text, " ")
		port, _ := strconv.Atoi(text)
		for _, i := range p.instances {
			if i.port == port {
				return fmt.Errorf("port %d of %s is held by another program: %s", port, i.Name, holder)
			}
		}
		return fmt.Errorf("port %s is held by another program: %s", text, holder)
	case "start", "stop":
		return fmt.Errorf("systemd did not %s it: %s", r.kind, sudoRemedy(r.text))
	}
	return errors.New(sudoRemedy(r.text))
}

// sudoRemedy says what sudo needs where it refuses.
func sudoRemedy(text string) string {
	if strings.Contains(text, "sudo: ") && (strings.Contains(text, "password is required") || strings.Contains(text, "not allowed")) {
		text += "; let the user who logs in run systemctl, journalctl, install and rm by sudo without a password"
	}
	return text
}
