package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// numberOf is the number of the ledger's last event.
func numberOf(t *testing.T, l *ledger.Ledger) int {
	t.Helper()
	view, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return view.State.Number
}

func TestWithoutATerminalNothingIsDoneUnasked(t *testing.T) {
	s, url, _ := withHeld(t)
	before := numberOf(t, ledger.Open(s, web))
	got := command(t, "unhold", string(web), "--store", url)
	if got.code != ExitRefused || !strings.Contains(got.errs, "add --yes") || !strings.Contains(got.errs, string(bad)) || strings.Contains(got.errs, ".;") || got.out != "" {
		t.Errorf("%+v", got)
	}
	if after := numberOf(t, ledger.Open(s, web)); after != before {
		t.Errorf("%d events, and there were %d", after, before)
	}
}

// A service that is not there is said before anything is asked.
func TestAnUnknownServiceIsNotAskedAbout(t *testing.T) {
	_, url, _ := withHeld(t)
	for _, args := range [][]string{
		{"recover"}, {"rollback"}, {"unhold"}, {"accept"}, {"watch", "--guard"}, {"watch"}, {"report"}, {"history"},
	} {
		got := command(t, append(args, "production/nobody", "--store", url)...)
		if got.code != ExitFailed || !strings.Contains(got.errs, "Service Not Found") || !strings.Contains(got.errs, "its services are production/web") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestUnholdSaysWhatItIsAbout(t *testing.T) {
	s, url, _ := withHeld(t)
	got := command(t, "unhold", string(web), "--release", string(second), "--yes", "--store", url)
	if got.code != ExitFailed || !strings.Contains(got.errs, "Release Not Held") || !strings.Contains(got.errs, string(bad)) {
		t.Errorf("what is not held: %+v", got)
	}
	got = command(t, "unhold", string(web), "--yes", "--store", url)
	if got.code != ExitDone || !strings.Contains(got.errs, "may introduce "+string(bad)+" (") || !strings.Contains(got.out, "no longer held: "+string(bad)) {
		t.Errorf("all: %+v", got)
	}
	before := numberOf(t, ledger.Open(s, web))
	got = command(t, "unhold", string(web), "--store", url)
	if got.code != ExitDone || !strings.Contains(got.out, "no release was held") || numberOf(t, ledger.Open(s, web)) != before {
		t.Errorf("nothing is held: %+v", got)
	}
}

// Nothing to do is said, not asked.
func TestRecoverOfNothingDoesNotAsk(t *testing.T) {
	_, url, _ := withHeld(t)
	if got := command(t, "recover", string(web), "--store", url); got.code != ExitDone || !strings.Contains(got.out, "nothing was interrupted") {
		t.Errorf("%+v", got)
	}
}

func TestErrorsInJSON(t *testing.T) {
	_, url, _ := withHeld(t)
	for _, c := range []struct {
		args    []string
		code    int
		summary string
	}{
		{[]string{"report", "production/nobody"}, ExitFailed, "Service Not Found"},
		{[]string{"unhold", string(web)}, ExitRefused, "Not Confirmed"},
		{[]string{"unhold", string(web), "--colour"}, ExitUsage, "Not Understood"},
		{[]string{"watch", "production/nobody", "--guard", "--yes"}, ExitFailed, "Service Not Found"},
	} {
		got := command(t, append(c.args, "--store", url, "--json")...)
		var printed struct {
			Error failure `json:"error"`
		}
		if err := json.Unmarshal([]byte(got.out), &printed); err != nil || got.code != c.code || printed.Error.Summary != c.summary || printed.Error.Detail == "" || got.errs == "" {
			t.Errorf("%v: %v: %+v", c.args, err, got)
		}
	}
	got := command(t, "unhold", string(web), "--yes", "--json", "--store", url)
	if err := json.Unmarshal([]byte(got.out), new(result)); err != nil || !strings.Contains(got.errs, "Unhold") {
		t.Errorf("what is about to be done is among the JSON, or is not said: %v: %+v", err, got)
	}
}

// A command says for whom it waits, and what it takes to wait for longer.
func TestWaitsAreSaid(t *testing.T) {
	s, url, _ := withHeld(t)
	lease := take(t, s, web)
	got := command(t, "unhold", string(web), "--yes", "--wait", "2s", "--store", url)
	if got.code != ExitFailed || strings.Count(got.errs, "waiting for somebody (terraform), at work on production/web since ") != 1 || !strings.Contains(got.errs, "Service Busy") ||
		!strings.Contains(got.errs, "--wait") || strings.Contains(got.errs, "lock.wait") {
		t.Errorf("%+v", got)
	}
	if err := lease.Release(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
	if got := command(t, "unhold", string(web), "--yes", "--store", url); got.code != ExitDone || strings.Contains(got.errs, "waiting for") {
		t.Errorf("it is free: %+v", got)
	}
}

func TestRecoveryWords(t *testing.T) {
	attempt := ledger.Attempt{Number: 3, Release: second, Replaces: first, Mode: service.ModeUpdate, Weight: 25, Stage: service.StageTrafficSplit, Executing: true}
	with := func(change func(*ledger.View, *ledger.Attempt)) ledger.View {
		view := ledger.View{Now: time.Now(), State: ledger.State{Number: 9, Stable: first}}
		a := attempt
		change(&view, &a)
		view.State.Attempts = []ledger.Attempt{a}
		return view
	}
	for name, c := range map[string]struct {
		view ledger.View
		want []string
	}{
		"introduction": {with(func(*ledger.View, *ledger.Attempt) {}), []string{"introduction of " + string(second), "25 %", "taken back", string(first) + " has all"}},
		"first ever":   {with(func(v *ledger.View, _ *ledger.Attempt) { v.State.Stable = "" }), []string{"taken back", "nothing runs then"}},
		"restore": {with(func(_ *ledger.View, a *ledger.Attempt) { a.Restoring, a.Failure = true, &ledger.Failure{Reason: "bad"} }),
			[]string{"restore after attempt 3", "finished", string(first) + " has all"}},
		"rollback": {with(func(_ *ledger.View, a *ledger.Attempt) {
			a.Mode, a.Release, a.Replaces = service.ModeRollback, first, second
		}),
			[]string{"rollback from " + string(second) + " to " + string(first), "finished"}},
		"rollback that was not finished": {with(func(_ *ledger.View, a *ledger.Attempt) {
			a.Mode, a.Release, a.Replaces, a.Restoring, a.Unfinished = service.ModeRollback, first, second, true, "node b does not answer"
		}), []string{"rollback from " + string(second) + " to " + string(first) + " is finished", "it was not before: node b does not answer"}},
		"candidate that was not taken out": {with(func(_ *ledger.View, a *ledger.Attempt) {
			a.Restoring, a.Failure, a.Unfinished = true, &ledger.Failure{Reason: "wanted"}, "node b does not answer"
		}), []string{"that " + string(second) + " (attempt 3) is taken out is finished", "it was not before: node b does not answer"}},
		"broken": {with(func(v *ledger.View, a *ledger.Attempt) {
			a.End, v.State.Broken = service.EndRestoreFailed, &ledger.Broken{Attempt: 3, Leftovers: []string{"the router does not answer"}}
		}), []string{"attempt 3 of " + string(second), "tried again", "the router does not answer"}},
		"a host left out of a rollback": {with(func(v *ledger.View, a *ledger.Attempt) {
			a.End, a.Release, a.Mode = service.EndFinalized, first, service.ModeRollback
			v.State.Untidy = a.Number
			v.State.Definition = &service.Definition{Platform: service.Platform{Host: &service.HostPlatform{Hosts: map[string]service.Host{"a": {}, "b": {}}}}}
			v.State.Releases = map[service.ReleaseID]service.Release{first: {ID: first, Placement: service.Placement{Slot: "blue", Instances: []service.Instance{{Host: "a"}}}}}
		}), []string{"what " + string(first) + " took the place of is stopped", "brought to the hosts"}},
		"what is left out, behind an attempt that came to nothing": {with(func(v *ledger.View, a *ledger.Attempt) {
			a.End = service.EndRestored
			v.State.LeftOut = []service.Placement{{Release: bad, Slot: "blue", Instances: []service.Instance{{Host: "a"}}}}
		}), []string{"what earlier releases may have left is stopped"}},
		"at work": {with(func(v *ledger.View, _ *ledger.Attempt) {
			v.Alive, v.State.Lease = true, &ledger.LeaseTerms{Holder: ledger.Holder{Name: "somebody", Doing: "terraform"}}
		}), []string{"somebody (terraform) is at work on it"}},
	} {
		words := recoveryWords(c.view)
		for _, want := range c.want {
			if !strings.Contains(words, want) {
				t.Errorf("%s: %q does not say %q", name, words, want)
			}
		}
		if strings.Contains(name, "not") && strings.Contains(words, "interrupted") {
			t.Errorf("%s: %q", name, words)
		}
	}
	if words := recoveryWords(with(func(v *ledger.View, a *ledger.Attempt) { a.Stage, a.StageOpenedAt = "", v.Now })); words != "" {
		t.Errorf("parked: %q", words)
	}
}
