package machines_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
)

// The contract, as each of the ways to log in and to run units has it. On two machines, of two instances each has one.
func TestContract(t *testing.T) {
	for name, test := range map[string]struct {
		kind     kind
		machines int
	}{
		"Root":        {asRoot, 1},
		"Sudo":        {withSudo, 1},
		"User":        {usersOwn, 1},
		"TwoMachines": {asRoot, 2},
	} {
		t.Run(name, func(t *testing.T) {
			all := hosts(t, test.machines)
			platformtest.Run(t, func(t *testing.T, instances int) platformtest.Subject {
				here := all[:min(len(all), instances)]
				g := newGround(t, test.kind, here, instances/len(here))
				return platformtest.Subject{Platform: g, Release: g.release, Draining: g.draining}
			})
		})
	}
}
