package service

import (
	"os"
	"path"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// defaultDirectory is where releases lie that nobody chose a place for: what the system has for it, on other machines and for
// root; else below the user's state directory. The home of who logs in to another machine is not known here. Empty where there
// is no such place: then the directory must be written.
func defaultDirectory(id service.ID, remote bool) string {
	if id == "" {
		id = "environment/name" // Not known yet: any place will do to look at the rest.
	}
	if remote {
		return path.Join("/srv", string(id)) // As that machine writes it.
	}
	below := filepath.FromSlash(string(id))
	if os.Geteuid() == 0 {
		return filepath.Join("/srv", below)
	}
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "deploy", below)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "deploy", below)
}
