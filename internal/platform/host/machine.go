package host

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Machine tells machines apart. A placement keeps the one that it was made on: from another one its directory is not there to be
// seen, and "not there" must not read as "stopped" or "removed".
type Machine struct {
	// ID is empty where a machine has none, as in many containers: those are one machine to us.
	ID string `json:"id"`
	// Name is the host's, for people.
	Name string `json:"name,omitempty"`
}

// ThisMachine is the one that we run on. Its ID comes from machine-id(5), which asks that it is not given away as it stands,
// but hashed with a key of the application's own.
func ThisMachine() Machine {
	name, _ := os.Hostname() // Only people read it.
	for _, file := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		data, err := os.ReadFile(file) // #nosec G304 -- one of the two above.
		if id := strings.TrimSpace(string(data)); err == nil && len(id) >= 32 {
			return Machine{ID: hashed(id), Name: name}
		}
	}
	return Machine{Name: name}
}

func hashed(id string) string {
	mac := hmac.New(sha256.New, []byte("terraform-provider-deploy"))
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// here refuses a directory that lies on another machine. One that is here is this service's, whatever made it: a disk
// moved to a new machine, a volume mounted into the next container. One that was deleted here is here as well.
func (h *Host) here(l layout, placedOn *Machine) error {
	this := h.options.Machine
	if placedOn == nil || placedOn.ID == this.ID {
		return nil
	}
	if _, err := os.Stat(l.owner()); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	there, self := placedOn.Name, this.Name
	if there == self || there == "" || self == "" { // their names do not tell them apart
		there, self = strings.TrimSpace(there+" ("+placedOn.ID+")"), strings.TrimSpace(self+" ("+this.ID+")")
	}
	return &delivery.OutOfReach{
		Elsewhere: true,
		Why:       fmt.Sprintf("it was placed in %s on the machine %s, and this is %s, which has no such directory", l, there, self),
		Next:      fmt.Sprintf("Run this on the machine where it runs. Or, where this one has taken its place, say so first:\n  %s", h.takeOver(l)),
	}
}

// takeOver is the command that makes a directory this service's, of whoever runs it.
func (h *Host) takeOver(l layout) string {
	return fmt.Sprintf("mkdir -p %s && echo %s >%s", shellword.Quote(string(l)), h.id, shellword.Quote(l.owner()))
}
