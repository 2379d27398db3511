package ledger_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// story draws a sequence of events that a run of the procedure could have written, step by step from the state that the
// ones before come to.
func story(t *rapid.T) []ledger.Event {
	var events []ledger.Event
	var state ledger.State
	add := func(e ledger.Event) {
		e.Number, e.MinVersion, e.Nonce = state.Number+1, 1, fmt.Sprint(state.Number+1)
		e.Time = epoch.Add(time.Duration(e.Number) * time.Minute)
		e.Run, e.Epoch = "run", 1
		folded, err := ledger.Fold(state, e)
		if err != nil {
			t.Fatalf("fold %s: %v", e.Type, err)
		}
		state = folded
		events = append(events, e)
	}
	releases := []service.ReleaseID{"p/w/1-00000001", "p/w/2-00000002", "p/w/3-00000003"}
	add(ledger.Event{Type: ledger.ServiceDefined, Definition: &service.Definition{ID: "p/w"}, Owner: "o"})
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		a := state.OpenAttempt()
		if a == nil {
			release := rapid.SampledFrom(releases).Draw(t, "release")
			if release == state.Stable {
				continue
			}
			add(ledger.Event{Type: ledger.AttemptOpened, Attempt: state.LastAttempt + 1, Release: release, Opening: &ledger.Opening{
				Mode: state.Wanted(release), Replaces: state.Stable, ByOperator: rapid.Bool().Draw(t, "operator"),
			}})
			continue
		}
		number := a.Number
		stage := rapid.SampledFrom(service.Stages).Draw(t, "stage")
		switch rapid.IntRange(0, 6).Draw(t, "what") {
		case 0, 1:
			add(ledger.Event{Type: ledger.StageOpened, Attempt: number, Stage: stage})
			add(ledger.Event{Type: ledger.StagePassed, Attempt: number, Stage: stage, Passage: &ledger.Passage{Attempt: number, Release: a.Release}})
		case 2:
			add(ledger.Event{Type: ledger.ReleaseRecorded, Attempt: number, Record: &service.Release{ID: a.Release, Placement: service.Placement{Slot: "blue"}}})
		case 3:
			weight := rapid.IntRange(0, 100).Draw(t, "weight")
			add(ledger.Event{Type: ledger.WeightReached, Attempt: number, Weight: &weight})
		case 4:
			kept := state.Kept
			if state.Stable != "" {
				kept = append([]service.ReleaseID{state.Stable}, kept...)
			}
			add(ledger.Event{Type: ledger.AttemptClosed, Attempt: number, Closing: &ledger.Closing{End: service.EndFinalized, Kept: kept[:min(len(kept), 1)]}})
		case 5:
			add(ledger.Event{Type: ledger.StageOpened, Attempt: number, Stage: service.StageRelease})
			add(ledger.Event{Type: ledger.StageFailed, Attempt: number, Failure: &ledger.Failure{Cause: ledger.CauseEvidence, Reason: "bad"}})
			add(ledger.Event{Type: ledger.AttemptClosed, Attempt: number, Closing: &ledger.Closing{End: service.EndRestored}})
		case 6:
			end := rapid.SampledFrom([]service.End{service.EndAbandoned, service.EndRolledBack}).Draw(t, "end")
			add(ledger.Event{Type: ledger.AttemptClosed, Attempt: number, Text: "by hand", Closing: &ledger.Closing{End: end, Hold: end == service.EndRolledBack}})
		}
	}
	return events
}

func foldAll(t *rapid.T, state ledger.State, events []ledger.Event) ledger.State {
	for _, e := range events {
		folded, err := ledger.Fold(state, e)
		if err != nil {
			t.Fatal(err)
		}
		state = folded
	}
	return state
}

// A snapshot anywhere, written and read as JSON, comes to the same state as all the events; folding writes into no state
// that somebody else holds.
func TestFoldFromASnapshotIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := story(t)
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		part := foldAll(t, ledger.State{}, events[:cut])
		before, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		whole := foldAll(t, part, events[cut:])
		if after, _ := json.Marshal(part); string(after) != string(before) {
			t.Fatalf("folding changed the state that it began with:\n%s\n%s", before, after)
		}
		var snapshot ledger.State
		if err := json.Unmarshal(before, &snapshot); err != nil {
			t.Fatal(err)
		}
		direct, _ := json.Marshal(whole)
		through, _ := json.Marshal(foldAll(t, snapshot, events[cut:]))
		if string(direct) != string(through) {
			t.Fatalf("the snapshot at %d comes to another state:\n%s", cut, cmp.Diff(string(direct), string(through)))
		}
	})
}

// What must hold of every state that a ledger can come to.
func TestFoldInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var state ledger.State
		ends := map[int]service.End{}
		for _, e := range story(t) {
			folded, err := ledger.Fold(state, e)
			if err != nil {
				t.Fatal(err)
			}
			state = folded
			for i, a := range state.Attempts {
				if a.Open() && i != len(state.Attempts)-1 {
					t.Fatalf("attempt %d is open, and a newer one is there", a.Number)
				}
				if old, ended := ends[a.Number]; ended && a.End != old {
					t.Fatalf("attempt %d ended as %s and then as %s", a.Number, old, a.End)
				}
				if !a.Open() {
					ends[a.Number] = a.End
				}
			}
			if len(state.Attempts) > 25 {
				t.Fatalf("the state keeps %d attempts: it grows with the history", len(state.Attempts))
			}
			for _, kept := range state.Kept {
				if kept == state.Stable {
					t.Fatalf("%s is stable and kept", kept)
				}
			}
			for _, stage := range service.Stages {
				p := state.Standing(stage, 0, epoch)
				if p == nil {
					continue
				}
				if a := state.Attempt(p.Attempt); a == nil || !a.Stands() {
					t.Fatalf("%s is said to stand by attempt %d, which does not", stage, p.Attempt)
				}
			}
		}
	})
}

func TestFoldRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event ledger.Event
		want  string
	}{
		"a gap":            {ledger.Event{Number: 2, MinVersion: 1, Type: ledger.LeaseReleased}, "event 2 does not follow event 0"},
		"a newer version":  {ledger.Event{Number: 1, MinVersion: 99, Type: ledger.LeaseReleased}, "event 1 needs version 99 of the ledger, this binary reads up to 4: upgrade the provider"},
		"an unknown event": {ledger.Event{Number: 1, MinVersion: 1, Type: "danced"}, `event 1 has the unknown type "danced"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ledger.Fold(ledger.State{}, c.event)
			if err == nil || err.Error() != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPassageOfAVoidAttemptDoesNotStand(t *testing.T) {
	t.Parallel()
	passage := func(n int, r service.ReleaseID) map[service.Stage]ledger.Passage {
		return map[service.Stage]ledger.Passage{service.StageSmokeTest: {Attempt: n, Release: r}}
	}
	state := ledger.State{Attempts: []ledger.Attempt{
		{Number: 1, Release: "p/w/1-00000001", End: service.EndFinalized, Passages: passage(1, "p/w/1-00000001")},
		{Number: 2, Release: "p/w/2-00000002", End: service.EndRestored, Passages: passage(2, "p/w/2-00000002")},
		{Number: 3, Release: "p/w/3-00000003", Passages: passage(3, "p/w/3-00000003")},
	}}
	if p := state.Standing(service.StageSmokeTest, 0, epoch); p == nil || p.Attempt != 3 {
		t.Fatalf("the open attempt stands: got %+v", p)
	}
	if p := state.Standing(service.StageSmokeTest, 3, epoch); p == nil || p.Attempt != 1 {
		t.Fatalf("with attempt 3 interrupted, attempt 1 stands: got %+v", p)
	}
}

func TestFailuresOnEvidenceHoldARelease(t *testing.T) {
	t.Parallel()
	fail := func(state ledger.State, cause ledger.Cause) ledger.State {
		n := state.LastAttempt + 1
		for _, e := range []ledger.Event{
			{Type: ledger.AttemptOpened, Attempt: n, Release: "p/w/2-00000002", Opening: &ledger.Opening{Mode: service.ModeUpdate}},
			{Type: ledger.StageOpened, Attempt: n, Stage: service.StageRelease, MaxAttempts: 3},
			{Type: ledger.StageFailed, Attempt: n, Stage: service.StageRelease, Failure: &ledger.Failure{Cause: cause, Reason: "it was bad"}},
			{Type: ledger.AttemptClosed, Attempt: n, Closing: &ledger.Closing{End: service.EndRestored}},
		} {
			e.Number, e.MinVersion = state.Number+1, 1
			var err error
			if state, err = ledger.Fold(state, e); err != nil {
				t.Fatal(err)
			}
		}
		return state
	}
	var state ledger.State
	for _, cause := range []ledger.Cause{ledger.CauseEvidence, ledger.CauseCancelled, ledger.CauseInterrupted, ledger.CauseFault, ledger.CauseEvidence} {
		state = fail(state, cause)
	}
	if reason, held := state.Held["p/w/2-00000002"]; held {
		t.Fatalf("held after two failures on evidence: %s", reason)
	}
	state = fail(state, ledger.CauseEvidence)
	if _, held := state.Held["p/w/2-00000002"]; !held {
		t.Fatal("not held after three failures on evidence")
	}
}

// TestAttemptIsBusyUntilItsFirstStagePassed: killed right after it was opened, nothing of an attempt is in any state, so
// nothing but a recovery would ever close it.
func TestAttemptIsBusyUntilItsFirstStagePassed(t *testing.T) {
	t.Parallel()
	var state ledger.State
	add := func(e ledger.Event) ledger.Attempt {
		e.Number, e.MinVersion, e.Time = state.Number+1, 1, epoch.Add(time.Duration(state.Number)*time.Minute)
		folded, err := ledger.Fold(state, e)
		if err != nil {
			t.Fatalf("fold %s: %v", e.Type, err)
		}
		state = folded
		return *state.OpenAttempt()
	}
	release := service.ReleaseID("p/w/1-00000001")
	if a := add(ledger.Event{Type: ledger.AttemptOpened, Attempt: 1, Release: release}); !a.Busy() {
		t.Error("an attempt that no stage of was opened is not busy")
	}
	if a := add(ledger.Event{Type: ledger.StageOpened, Attempt: 1, Stage: service.StagePreflight}); !a.Busy() {
		t.Error("an attempt with an open stage is not busy")
	}
	if a := add(ledger.Event{Type: ledger.StagePassed, Attempt: 1, Stage: service.StagePreflight, Passage: &ledger.Passage{Attempt: 1, Release: release}}); a.Busy() {
		t.Error("an attempt between two stages is busy")
	}
}
