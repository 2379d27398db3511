package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What a rollback does while one of several machines does not answer: it goes on where machines answer. When it has come to its end the
// release is recorded there alone, what may run on the others is remembered apart (astray.go), and the router sends nothing to them. Until
// those are back, or taken out of the hosts, the service's status is "interrupted" (State.Unsettled), and the release is not on all hosts that
// it is to be on (Unsized). The next apply, or recover, brings it there.

// mostOf is the part of r that a rollback goes on with: at least half of its instances (mostly), as a restore has it. Fewer are refused.
func (w *work) mostOf(ctx context.Context, r service.Release) (service.Release, error) {
	if len(hostsOf(r.Placement)) == 0 {
		return r, nil
	}
	part, _, err := w.answering(ctx, r)
	if !isSilent(err) {
		return part, err
	}
	up := len(part.Placement.Instances)
	if most, all := w.mostly(r, up); !most {
		return part, &fewError{
			what: fmt.Sprintf("Too few hosts answer to roll back to %s: %s, so %d of its %d instances would run, and at least half of them have to",
				r.ID, notAnswering(w.silentOf(r)), up, all),
			evidence: []string{err.Error()},
		}
	}
	return part, nil
}

// fewError is that a rollback finds too few machines that answer, which says nothing about its release.
type fewError struct {
	what     string
	evidence []string
}

const fewRemedy = "Bring a host back, and roll back again; or take those that do not come back out of platform.host.hosts, and apply: then it is rolled back without them."

func (e *fewError) Error() string { return e.what + ". " + fewRemedy }
func (e *fewError) Unwrap() error { return &refusedError{reason: e.Error(), evidence: e.evidence} }

func notAnswering(hosts []string) string {
	if len(hosts) == 1 {
		return "host " + hosts[0] + " does not answer"
	}
	return "hosts " + strings.Join(hosts, ", ") + " do not answer"
}

// leftOut says where a release that was rolled back to is not known to run because a host did not answer, and how it comes there; empty
// where it runs everywhere.
func (w *work) leftOut(id service.ReleaseID) string {
	state := w.state()
	there := hostsOf(state.Releases[id].Placement)
	return w.leftOutOn(id, slices.DeleteFunc(definedHosts(state.Definition), func(host string) bool {
		return slices.Contains(there, host) || !slices.Contains(w.silence.hosts, host)
	}))
}

// leftOutOn is leftOut for those hosts.
func (w *work) leftOutOn(id service.ReleaseID, hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	slices.Sort(hosts)
	traffic := "the router sends nothing there"
	if w.adapters.Router == nil {
		traffic = "nothing keeps requests from it: once it is back, what ran there before may answer them"
	}
	return fmt.Sprintf("LEFT OUT: %s, so %s is not known to run there, and %s. When it is back, apply, or run `%s recover %s`: what else runs is stopped there, and %s is started. "+
		"A host that does not come back is taken out of platform.host.hosts",
		notAnswering(hosts), id, traffic, operatorBinary, w.procedure.id, id)
}

// aside is what there is to say of a rollback beside that it was done: leftOut, and what could not be tidied away before it.
func (w *work) aside(id service.ReleaseID) string {
	left := w.leftOut(id)
	if left == "" {
		return w.untidied
	}
	return alsoSaying(left, w.untidied)
}

// alsoSaying is a text with a second one behind it, which may be empty.
func alsoSaying(text, more string) string {
	if more == "" {
		return text
	}
	return text + "; " + more
}

// placeMost is placeAt for the part of a release on the machines that answer. In the slot that it was in, the others stay in its record until
// the rollback has come to its end: what an earlier try started there, or an earlier run could not stop, is to be stopped if it does not. So
// is what may be there in the slot that it was in before.
func (w *work) placeMost(ctx context.Context, attempt int, part service.Release) error {
	recorded, before := part, w.state().Releases[part.ID].Placement
	moves := before.Slot != part.Placement.Slot
	before.Instances = slices.DeleteFunc(slices.Clone(before.Instances), func(i service.Instance) bool {
		untidied := moves && w.untidied != "" // Where machines answer, too.
		return !untidied && !slices.Contains(w.silence.hosts, i.Host)
	})
	var left []service.Placement
	switch {
	case len(before.Instances) == 0:
	case moves:
		left = []service.Placement{before}
	default:
		recorded.Placement.Instances = slices.Concat(part.Placement.Instances, before.Instances)
	}
	if err := w.append(ctx, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: attempt, Release: part.ID, Record: &recorded, LeftOut: left}); err != nil {
		return fmt.Errorf("record %s: %w", part.ID, err)
	}
	return w.placeAgain(ctx, attempt, part)
}

// stopMost stops the release of a rollback that comes to nothing. It stays recorded, so what may run on machines that do not answer is
// stopped before the next release: left says so.
func (w *work) stopMost(ctx context.Context, attempt int, r service.Release) (left string, err error) {
	if err = w.stop(ctx, attempt, r); err == nil {
		return "", nil
	}
	part, states, silent := w.answering(ctx, r)
	if !isSilent(silent) || runsAny(part, states) {
		return "", err
	}
	return fmt.Sprintf("%s: what may run of %s there is stopped before the next release", notAnswering(w.silentOf(r)), r.ID), nil
}
