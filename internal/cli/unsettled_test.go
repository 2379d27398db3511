package cli

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service where something is to be stopped still is not ready, and is among those that need a recovery, whatever came to nothing since: what
// a finalization could not stop, or what a rollback left out.
func TestServiceWithSomethingToStopNeedsARecovery(t *testing.T) {
	behind := slices.Concat(opened(2, first), []ledger.Event{closed(2, first, ledger.Closing{End: service.EndRestored})})
	finalized := slices.Concat(opened(1, second), []ledger.Event{closed(1, second, ledger.Closing{End: service.EndFinalized, Kept: []service.ReleaseID{first}})})
	leftOut := slices.Clone(finalized)
	leftOut[len(leftOut)-1].LeftOut = []service.Placement{{Release: bad, Slot: "blue", Instances: []service.Instance{{Name: "blue/a/0", Host: ""}}}}
	tidied := ledger.Event{Type: ledger.Tidied, Attempt: 1, Release: second}
	for name, c := range map[string]struct {
		events []ledger.Event
		says   string
		status string
	}{
		// Nobody looks after that any more, unless somebody asks for it.
		"retired":  {slices.Concat(leftOut, []ledger.Event{{Type: ledger.ServiceRetired}}), "what earlier releases may have left is stopped", statusRetired},
		"untidied": {slices.Concat(finalized, behind), "what " + string(second) + " took the place of is stopped", ""},
		"left out": {slices.Concat(leftOut, []ledger.Event{tidied}, behind), "what earlier releases may have left is stopped", ""},
		"settled":  {slices.Concat(finalized, []ledger.Event{tidied}, behind), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newStore(t)
			write(t, s, web, append([]ledger.Event{defined(web)}, c.events...)...)
			status := cmp.Or(c.status, map[bool]string{true: statusReady, false: statusInterrupted}[c.says == ""])
			if got := command(t, "history", "--store", s.URL()); got.code != ExitDone || !strings.Contains(got.out, status) {
				t.Errorf("history: %+v", got)
			}
			if got := command(t, "recover", string(web), "--store", s.URL()); strings.Contains(got.out, "nothing was interrupted") != (c.says == "") {
				t.Errorf("recover: %+v", got)
			}
			got := command(t, "recover", "--all", "--store", s.URL())
			if (c.says == "" || c.status != "") && !strings.Contains(got.out, "nothing to recover") || c.says != "" && c.status == "" && !strings.Contains(got.errs, string(web)+": "+c.says) {
				t.Errorf("recover --all: %+v", got)
			}
		})
	}
}
