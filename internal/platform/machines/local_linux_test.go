package machines_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
)

// An interrupt goes to the whole group of whoever has the terminal: what works on this machine is none of it.
func TestScriptsOfThisMachineHaveAGroupOfTheirOwn(t *testing.T) {
	t.Parallel()
	out, err := machines.Local().Run(t.Context(), `cut -d " " -f 5 /proc/$$/stat`, nil)
	if err != nil {
		t.Fatal(err)
	}
	group, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("its group is %q, ours is %d (%v)", out, syscall.Getpgrp(), err)
	}
}
