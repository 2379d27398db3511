package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How all that may run of a service is removed. It ends by one entry, and until then the stable release is recorded: as long as anything is
// left, Terraform has the release in its state, and a destroy that failed, or was killed, is tried again.

// removable is a release where it may run; leftOut: where a rollback left it out.
type removable struct {
	service.Release
	leftOut bool
}

// removables are all that may run, in the order in which they are removed: stable last.
func (w *work) removables() []removable {
	var all []removable
	state := w.state()
	for _, p := range state.LeftOut {
		all = append(all, removable{w.at(p), true})
	}
	for _, id := range slices.Backward(w.placedReleases()) {
		all = append(all, removable{state.Releases[id], false})
	}
	return all
}

// removeAll removes all that may run. While a host does not answer nothing is touched: what is there serves as it did. Hosts that the service
// has no more hold up nobody: that they do not answer may be why they were taken out.
func (w *work) removeAll(ctx context.Context) error {
	all := w.removables()
	if silent := w.silentOn(ctx, all); len(silent) > 0 {
		e := refuse("Release Not Removed", fmt.Sprintf("%s, and what may run there is to be removed, of %s: %s", notAnswering(silent), w.procedure.id, targets(all, silent)), w.nextSilent(silent))
		e.Evidence, e.Running, e.Path, e.Err = []string{w.silence.err.Error()}, w.stillRunning(ctx), atHosts(silent), w.silence.err
		return e
	}
	text := "all releases were stopped and removed"
	for n, r := range all {
		left, err := w.removeWhereItIs(ctx, r.Release)
		if err != nil {
			return w.notRemoved(ctx, all[n:], err)
		}
		if left != "" {
			text = alsoSaying(text, left)
		}
		switch {
		case r.leftOut:
			err = w.forgetAstray(ctx, r.Release, "is removed")
		case r.ID != w.state().Stable:
			err = w.append(ctx, ledger.Event{Type: ledger.ReleaseRemoved, Attempt: w.state().LastAttempt, Release: r.ID})
		}
		if err != nil {
			return err
		}
	}
	return w.append(ctx, ledger.Event{Type: ledger.ServiceStopped, Text: text})
}

// removeWhereItIs removes a release. left says what could not be removed on hosts that the service has no more.
func (w *work) removeWhereItIs(ctx context.Context, r service.Release) (left string, err error) {
	here, gone := parted(r, definedHosts(w.state().Definition))
	if len(here.Placement.Instances) > 0 {
		if err := w.removePart(ctx, w.state().LastAttempt, here); err != nil {
			return "", err
		}
	}
	if len(gone.Placement.Instances) == 0 {
		return "", nil
	}
	err = w.removePart(ctx, w.state().LastAttempt, gone)
	if err == nil || ctx.Err() != nil {
		return "", err
	}
	return fmt.Sprintf("what may run of %s is left, since that is no host of the service any more: %s", target(gone), w.scrubbed(err, gone)), nil
}

// notRemoved is what a removal that stopped in the middle came to. left is what it did not come to, first what failed.
func (w *work) notRemoved(ctx context.Context, left []removable, cause error) *Error {
	e := &Error{
		Summary: "Release Not Removed", What: fmt.Sprintf("Not all of %s is removed: %s. What may run still: %s", w.procedure.id, cause, targets(left, nil)),
		Running: w.stillRunning(ctx), Next: "Mend what is named, and destroy again.", Err: cause,
	}
	if silent := w.silentOn(ctx, left[:1]); len(silent) > 0 {
		e.Next, e.Path = w.nextSilent(silent), atHosts(silent)
	}
	return e
}

// silentOn are the hosts of the service that do not answer, among those where something is to be removed, in order.
func (w *work) silentOn(ctx context.Context, all []removable) []string {
	var hosts []string
	for _, r := range all {
		here, _ := parted(r.Release, definedHosts(w.state().Definition))
		if _, _, err := w.answering(ctx, here); isSilent(err) {
			hosts = append(hosts, w.silentOf(here)...)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// nextSilent says how a destroy goes on when hosts do not answer.
func (w *work) nextSilent(hosts []string) string {
	if len(hosts) == len(definedHosts(w.state().Definition)) {
		return "Bring back what does not answer, and destroy again. Where no host of the service comes back, and nothing runs there any more, " +
			"take what is left of the service out of Terraform's state: `terraform state rm deploy_service.<name>`, and its deploy_release likewise. Its ledger stays."
	}
	return fmt.Sprintf("Bring back what does not answer, and destroy again. What does not come back is taken out of `platform.host.hosts`, by `terraform apply -target=deploy_service.<name>`; "+
		"then destroy again. What is on %s stays there: should that come back after all, stop and remove it by hand.", strings.Join(hosts, ", "))
}

// stillRunning is what runs, empty where that is nothing but what is left.
func (w *work) stillRunning(ctx context.Context) string {
	if w.state().Stable == "" && w.state().OpenAttempt() == nil {
		return ""
	}
	return w.running(ctx)
}

// targets are what is to be removed, on some hosts; nil: on all.
func targets(all []removable, hosts []string) string {
	var texts []string
	for _, r := range all {
		part := r.Release
		if hosts != nil {
			part, _ = parted(part, hosts)
		}
		if len(part.Placement.Instances) > 0 {
			texts = append(texts, target(part))
		}
	}
	return strings.Join(texts, "; ")
}
