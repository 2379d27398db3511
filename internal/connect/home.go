package connect

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// atHome is a login with the home of whoever runs this in place of `~` in known_hosts: a definition is read by others, too, and
// elsewhere. Where there is no home it stays as it is.
func atHome(s service.SSH) service.SSH {
	if below, is := strings.CutPrefix(s.KnownHosts, "~/"); is {
		if home, err := os.UserHomeDir(); err == nil {
			s.KnownHosts = filepath.Join(home, filepath.FromSlash(below))
		}
	}
	if s.Bastion != nil {
		through := atHome(*s.Bastion)
		s.Bastion = &through
	}
	return s
}
