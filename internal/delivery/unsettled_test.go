package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// brokenBesideAHost is a service where 2 is stable on a and b, and 3 runs on on c, which does not answer; then the restore of a rollback
// to 1 has failed.
func brokenBesideAHost(t *testing.T, w *world) *provider {
	t.Helper()
	p := fleetOfThree(t, w)
	w.set(func() { w.silent["c"] = true })
	if _, err := p.service().Rollback(t.Context(), releaseOf("2"), ""); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.sick[releaseOf("1")] = true })
	p.process.before = func(_ int, what string) {
		if what == "start done" {
			w.set(func() { w.broken["stop"] = errors.New("it does not end") })
		}
	}
	_, err := p.service().Rollback(t.Context(), releaseOf("1"), "")
	_ = wantSummary(t, err, "Restore Failed")
	p.process.before = nil
	w.set(func() { clear(w.sick); clear(w.broken) })
	if p.state().Broken == nil || w.runningOn(w.slots[0], "3") != "c" {
		t.Fatalf("broken is %v, 3 runs on %q", p.state().Broken, w.runningOn(w.slots[0], "3"))
	}
	return p
}

// What runs on a host that does not answer is not forgotten when a failed restore is finished, or taken as it is: it is stopped there when
// the host is back.
func TestNothingThatRunsIsForgottenByARecovery(t *testing.T) {
	t.Parallel()
	recover := func(p *provider) (string, error) {
		recovery, err := p.service().Recover(context.Background())
		return recovery.Text, err
	}
	for name, c := range map[string]struct {
		mend func(*provider) (string, error)
		// silent: c does not answer when it is mended; ended: 3 has ended there.
		silent, ended bool
		says          []string
	}{
		"recover, and then the host is back": {mend: recover, silent: true, says: []string{"the restore of attempt 5, which had failed, is finished now", "LEFT OUT: host c does not answer"}},
		"the host is back, and then recover": {mend: recover, says: []string{
			"the restore of attempt 5, which had failed, is finished now", "took the place of was stopped", "brought to the hosts",
		}},
		"accept": {mend: func(p *provider) (string, error) {
			plan, err := p.service().AcceptPlan(context.Background())
			if err != nil {
				return "", err
			}
			_, err = p.service().Accept(context.Background())
			return plan, err
		}, ended: true, says: []string{"not seen to run, and removed by the next release, or a recovery: " + string(releaseOf("3"))}},
	} {
		for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
			t.Run(name+" "+strings.Join(slots, " "), func(t *testing.T) {
				t.Parallel()
				if c.ended && len(slots) == 1 {
					t.Skip("with one slot two releases share it then, and neither of them serves: that is not accepted")
				}
				w := newWorld()
				w.slots, w.router = slots, len(slots) > 1
				p := brokenBesideAHost(t, w)
				w.set(func() {
					if w.silent["c"] = c.silent; c.ended {
						delete(w.running, slots[0]+"/c")
					}
				})
				said, err := c.mend(p)
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range c.says {
					if !strings.Contains(said, want) {
						t.Errorf("%q is not said: %s", want, said)
					}
				}
				left := c.silent || c.ended
				if s := p.state(); s.Broken != nil || s.Unsettled() != left || slices.Contains(s.Beside(), releaseOf("3")) != left {
					t.Errorf("broken is %v, unsettled %t, beside %v", s.Broken, s.Unsettled(), s.Beside())
				}
				if left {
					w.set(func() { delete(w.silent, "c") })
					if said, err := recover(p); err != nil || strings.Contains(said, "nothing") {
						t.Fatalf("%s, %v", said, err)
					}
				}
				if s := p.state(); s.Unsettled() || len(s.Beside()) > 0 {
					t.Errorf("unsettled %t, beside %v", s.Unsettled(), s.Beside())
				}
				if w.files[releaseOf("3")] {
					t.Error("the files of 3 are there still")
				}
				if c.ended {
					// What was accepted as it runs goes on until the next release.
					if beside := w.runningOn("blue", "1"); beside != "a b" || w.runningOn("green", "2") != "a b c" {
						t.Errorf("1 runs on %q, 2 on %q", beside, w.runningOn("green", "2"))
					}
					if err := p.apply(t.Context(), "5"); err != nil {
						t.Fatal(err)
					}
					runsOn(t, w, "5", "blue/a", "blue/b", "blue/c")
					return
				}
				settled(t, w, p, "2")
			})
		}
	}
}

// What is seen to run beside what carries the traffic is kept, when a person takes it as it is: it is stopped then like any that is kept, and
// not removed.
func TestAcceptKeepsWhatRunsBeside(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := brokenBesideAHost(t, w)
	w.set(func() { delete(w.silent, "c") })
	plan, err := p.service().AcceptPlan(t.Context())
	if err != nil || !strings.Contains(plan, "kept as they are: ") || !strings.Contains(plan, string(releaseOf("3"))) || strings.Contains(plan, "not seen to run") {
		t.Errorf("%s, %v", plan, err)
	}
	if _, err := p.service().Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.runningOn("blue", "3"); got != "c" {
		t.Errorf("3 runs on %q", got)
	}
	if s := p.state(); len(s.Kept) != 2 || s.Kept[1] != releaseOf("3") || len(s.Beside()) > 0 {
		t.Errorf("kept are %v, beside %v", s.Kept, s.Beside())
	}
	if _, err := p.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.runningOn("green", "2"); got != "a b c" {
		t.Errorf("2 runs on %q", got)
	}
	if !w.files[releaseOf("3")] {
		t.Error("the files of 3 are gone")
	}
	if err := p.apply(t.Context(), "5"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "5", "blue/a", "blue/b", "blue/c")
}

// The same where the release cannot come to a host that is back.
func TestRecoveryThatCannotBringWhatRunsToAHost(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*world){
		"there is no room":   func(w *world) { w.full = map[string]string{"c": "its disk is full"} },
		"it does not answer": func(w *world) { w.probed = func(service.ReleaseID) error { return notOn(w, "c") } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := brokenBesideAHost(t, w)
			w.set(func() { delete(w.silent, "c"); happens(w) })
			_, err := p.service().Recover(t.Context())
			e := wantSummary(t, err, "Hosts Not Added")
			if want := "Before that: the restore of attempt 5, which had failed, is finished now"; !strings.Contains(e.Detail(), want) {
				t.Errorf("%q is not said: %s", want, e.Detail())
			}
		})
	}
}

// notOn is a bad answer once a host runs what is stable, with the world held still.
func notOn(w *world, host string) error {
	if w.running["green/"+host] != "" {
		return errors.New("not ready")
	}
	return nil
}

// untidiedOnC is a service where 4 is stable, and 3 runs on on c, which did not answer when it was to be stopped, and does again.
func untidiedOnC(t *testing.T, w *world, objects store.Store) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	p.platform, p.keep = onHosts("a", "b", "c"), 2
	for _, version := range []string{"1", "2", "3"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	p.process.before = func(_ int, what string) {
		if what == "stop" { // That of 3, when 4 is finalized.
			w.set(func() { w.silent["c"] = true })
		}
	}
	if err := p.apply(t.Context(), "4"); err != nil {
		t.Fatal(err)
	}
	p.process.before = nil
	w.set(func() { delete(w.silent, "c") })
	return p
}

// rolledBackInVain has a rollback begin while c does not answer, and fail when it does.
func rolledBackInVain(t *testing.T, w *world, p *provider, summary string) {
	t.Helper()
	w.set(func() { w.misses["c"] = 2; w.sick[releaseOf("2")] = true })
	p.process.before = func(_ int, what string) {
		if what == "start done" && summary == "Restore Failed" {
			w.set(func() { w.broken["stop"] = errors.New("it does not end") })
		}
	}
	_, err := p.service().Rollback(t.Context(), releaseOf("2"), "")
	_ = wantSummary(t, err, summary)
	p.process.before = nil
	w.set(func() { clear(w.sick); clear(w.broken) })
	if got := w.runningOn("blue", "3"); got != "c" {
		t.Fatalf("3 runs on %q", got)
	}
}

// What a finalization could not stop is not forgotten for an attempt that comes to nothing behind it: it is seen, and a recovery stops it.
func TestUntidiedBehindAnAttemptThatCameToNothing(t *testing.T) {
	t.Parallel()
	for _, summary := range []string{"Release Rolled Back", "Restore Failed"} {
		t.Run(summary, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := untidiedOnC(t, w, objects)
			rolledBackInVain(t, w, p, summary)
			p.close()
			p = newProvider(t, w, objects)
			defer p.close()
			view, err := p.service().Read(t.Context())
			if err != nil || view.State.Broken == nil && (!view.Unsettled() || view.Untidied() == nil) {
				t.Errorf("%v: unsettled %t, untidied %v", err, view.Unsettled(), view.Untidied())
			}
			recovery, err := p.service().Recover(t.Context())
			if err != nil || !strings.Contains(recovery.Text, "what "+string(releaseOf("4"))+" took the place of was stopped") {
				t.Errorf("%+v, %v", recovery, err)
			}
			runsOn(t, w, "4", "green/a", "green/b", "green/c")
			if p.state().Unsettled() {
				t.Error("it is unsettled still")
			}
		})
	}
}

// What a recovery could not do behind the restore that it finished is said, together with that: as an error, where it is not only that a
// host does not answer.
func TestRecoveryThatCannotGoOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*world)
		failed  bool
		want    []string
	}{
		"the host does not answer": {func(w *world) { w.silent["c"] = true }, false, []string{"NOT TIDIED: ", "c: the host does not answer", "recover production/web` does it"}},
		"it does not stop":         {func(w *world) { w.broken["stop"] = errors.New("it does not end") }, true, []string{"; then: stop what ", "it does not end"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
			p := untidiedOnC(t, w, objects)
			defer p.close()
			rolledBackInVain(t, w, p, "Restore Failed")
			objects.spoil(func(e ledger.Event) error {
				if e.Type == ledger.Recovered {
					w.set(func() { c.happens(w) })
				}
				return nil
			}, nil)
			recovery, err := p.service().Recover(t.Context())
			said := recovery.Text
			if (err != nil) != c.failed {
				t.Fatalf("%+v, %v", recovery, err)
			}
			if err != nil {
				said = err.Error()
			}
			for _, want := range append(c.want, "which had failed, is finished now") {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said: %s", want, said)
				}
			}
			if s := p.state(); s.Broken != nil || s.Untidied() == nil {
				t.Errorf("broken is %v, untidied %v", s.Broken, s.Untidied())
			}
		})
	}
}

// A candidate that does not run, taken as it is, may run again when its machine is started: it stays recorded, and is removed.
func TestAcceptRemembersTheCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	w.failing[releaseOf("2")] = true
	w.broken["remove"] = errors.New("systemd does not answer")
	_ = wantSummary(t, p.apply(t.Context(), "2"), "Restore Failed")
	w.set(func() {
		delete(w.broken, "remove")
		delete(w.running, "green/a")
		delete(w.running, "green/b")
	})
	plan, err := p.service().AcceptPlan(t.Context())
	if err != nil || !strings.Contains(plan, "not seen to run, and removed by the next release, or a recovery: "+string(releaseOf("2"))) {
		t.Errorf("%s, %v", plan, err)
	}
	if _, err := p.service().Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.state(); !slices.Equal(s.Beside(), []service.ReleaseID{releaseOf("2")}) {
		t.Errorf("beside %v", s.Beside())
	}
	w.set(func() { w.running["green/a"] = releaseOf("2") }) // its machine was started again
	if _, err := p.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b")
}
