package delivery_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A rollback by reverted HCL that is refused leaves a candidate where it is.
func TestRefusedRollbackLeavesTheCandidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kept  string
		spoil func(*world)
	}{
		"too few hosts": {"1", func(w *world) { w.silent["b"], w.silent["c"] = true, true }},
		"no secrets":    {"secretive", func(w *world) { w.unknown = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := newProvider(t, w, newMemoryStore())
			t.Cleanup(p.close)
			p.platform = onHosts("a", "b", "c")
			for _, version := range []string{c.kept, "2"} {
				if err := p.apply(t.Context(), version); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.applyWith(t.Context(), "3", delivery.SplitSpec{Weight: 25}); err != nil {
				t.Fatal(err)
			}
			before, weights, last := maps.Clone(w.running), maps.Clone(w.weights), p.state().LastAttempt
			w.set(func() { c.spoil(w) })
			e := wantSummary(t, p.apply(t.Context(), c.kept), "Rollback Refused")
			if strings.Count(e.Detail(), "Nothing was changed") != 1 {
				t.Errorf("it says: %s", e.Detail())
			}
			if s := p.state(); s.OpenAttempt() == nil || s.OpenAttempt().Number != last || s.LastAttempt != last {
				t.Errorf("attempt %d is the last, and open is %t", s.LastAttempt, s.OpenAttempt() != nil)
			}
			if !maps.Equal(before, w.running) || !maps.Equal(weights, w.weights) {
				t.Errorf("running is %v at %v, want %v at %v", w.running, w.weights, before, weights)
			}
		})
	}
}

// What was ended before a release was refused is said.
func TestRefusedReleaseSaysWhatWasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	passages := p.state().Attempts[1].Passages
	request := delivery.Request{Release: releaseOf("3"), Owner: passages[service.StagePreflight].Owner, PriorAttempt: 2, Seen: 2}
	if _, err := p.service().Preflight(t.Context(), request, delivery.PreflightSpec{}); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.silent["b"] = true })
	e := wantSummary(t, p.apply(t.Context(), "4"), "Preflight Failed")
	if said := e.Detail(); !strings.Contains(said, "Before that: the introduction of "+string(releaseOf("3"))+" was ended.") || strings.Contains(said, "Nothing was changed") {
		t.Errorf("it says: %s", said)
	}
	if p.state().OpenAttempt() != nil {
		t.Error("the introduction is not ended")
	}
}

// A command that recovers what was interrupted, and is refused then, says both.
func TestRefusedCommandSaysWhatItRecovered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command func(*provider) error
		summary string
		wants   []string
	}{
		"rollback to nobody knows what": {
			func(p *provider) error { _, err := p.service().Rollback(t.Context(), releaseOf("9"), ""); return err },
			"Nothing To Roll Back To", []string{"was taken out and is held"},
		},
		"rollback without secrets": {
			func(p *provider) error {
				_, err := p.service().Rollback(t.Context(), releaseOf("secretive"), "")
				return err
			},
			"Rollback Refused", []string{"was taken out and is held", `the credential "database" is not known`},
		},
		"restore without secrets": {
			func(p *provider) error {
				_, err := p.service().RestoreCheckpoint(t.Context(), "2", false, "")
				return err
			},
			"Rollback Refused", []string{"attempt 3 of " + string(releaseOf("3")) + " is restored", `the credential "database" is not known`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			applied(t, w, objects, "secretive", "2").close()
			killedWhen(t, w, objects, func(what string) bool { return what == "start done" }, func(p *provider) { _ = p.apply(t.Context(), "3") })
			w.set(func() { w.unknown = true })
			p := newProvider(t, w, objects)
			defer p.close()
			said := wantSummary(t, c.command(p), c.summary).Detail()
			for _, want := range append(c.wants, "Before that: ", "Nothing else was changed") {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said: %s", want, said)
				}
			}
			if strings.Contains(said, "Nothing was changed") {
				t.Errorf("it says: %s", said)
			}
			stands(t, w, p, "2")
		})
	}
}

// The same for a service whose hosts change.
func TestRefusedDefinitionSaysWhatItRecovered(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.platform = onHosts("a", "b")
		if err := p.apply(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		want := "attempt 2 of " + string(releaseOf("2")) + " is restored"
		if broken {
			w.set(func() {
				w.sick[releaseOf("2")] = true
				w.broken["remove"] = errors.New("systemd does not answer")
			})
			_ = wantSummary(t, p.apply(t.Context(), "2"), "Restore Failed")
			w.set(func() { delete(w.broken, "remove") })
			want = "the restore of attempt 2, which had failed, is finished now"
		}
		p.close()
		if !broken {
			killedWhen(t, w, objects, func(what string) bool { return what == "start done" }, func(p *provider) { _ = p.apply(t.Context(), "2") })
		}
		next := newProvider(t, w, objects)
		w.set(func() { w.full = map[string]string{"c": "there is no user web"} })
		_, err := redefine(next, "a", "b", "c")
		said := wantSummary(t, err, "Hosts Not Added").Detail()
		if !strings.Contains(said, "there is no user web. Before that: "+want) || !strings.Contains(said, "Nothing else was changed") {
			t.Errorf("it says: %s", said)
		}
		if got := slices.Sorted(maps.Keys(w.running)); !slices.Equal(got, []string{"blue/a", "blue/b"}) {
			t.Errorf("running is %v", got)
		}
		next.close()
	}
}
