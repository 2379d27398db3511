package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
)

// The epoch of a run that sets weights is noted in the process itself, in a variable: whoever comes with an older one finds it there.
// HAProxy 2.6 and 2.7 allow that in experimental mode alone, of which `show info` tells from then on (Tainted); a process that does not
// allow it at all goes without, as does one that has just been reloaded.

const experimental = "experimental-mode on"

// variable is the name of the one that the epochs of this service are noted in. An underscore is in no name of a service.
func (r *Router) variable() string {
	return "proc.deploy." + strings.ReplaceAll(r.id.Environment()+"."+r.id.Name(), "-", "_")
}

// noteOf is what is noted: the epoch, and the ledger that it is of in a form that HAProxy takes.
func noteOf(f fence.Fence) string {
	ledger := sha256.Sum256([]byte(f.Ledger))
	return fmt.Sprintf("%d-%s", f.Epoch, hex.EncodeToString(ledger[:8]))
}

// newer tells whether noted is of a later run of the same ledger than f.
func newer(noted string, f fence.Fence) bool {
	own := noteOf(f)
	epoch, ledger, ok := strings.Cut(noted, "-")
	_, ownLedger, _ := strings.Cut(own, "-")
	n, err := strconv.Atoi(epoch)
	return ok && err == nil && ledger == ownLedger && n > f.Epoch
}

// parseNote reads the answer to `get var`; empty where nothing is noted.
func parseNote(answer string) string {
	_, value, ok := strings.Cut(answer, "value=<")
	value, _, closed := strings.Cut(value, ">")
	if !ok || !closed {
		return ""
	}
	return value
}

func (r *Router) getNote() string { return "get var " + r.variable() }

func (r *Router) setNote(note string) string { return "set var " + r.variable() + " str(" + note + ")" }

// isNote tells whether a command is one that a process may refuse: the split does without.
func isNote(command string) bool {
	return command == experimental || strings.HasPrefix(command, "get var ") || strings.HasPrefix(command, "set var ")
}
