package terraform

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// ErrNoProvider says that a command runs no provider: it has not started one yet, or is done with it.
var ErrNoProvider = errors.New("it has no child that is one")

// KillProvider kills with SIGKILL the providers below a running command that run from mirror, a directory, and returns their process
// ids. Where there are none, the error is ErrNoProvider.
func (r *Running) KillProvider(mirror string) (killed []int, err error) {
	all, err := process.List()
	if err != nil {
		return nil, err
	}
	for _, p := range process.Descendants(all, r.PID()) {
		if !strings.HasPrefix(p.Executable, mirror) {
			continue
		}
		if err := p.Signal(syscall.SIGKILL); err != nil {
			return killed, err
		}
		killed = append(killed, p.PID)
	}
	if len(killed) == 0 {
		return nil, fmt.Errorf("kill the providers from %s below process %d: %w", mirror, r.PID(), ErrNoProvider)
	}
	return killed, nil
}
