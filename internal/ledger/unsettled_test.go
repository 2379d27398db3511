package ledger_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	one   = service.ReleaseID("production/web/1-00000001")
	two   = service.ReleaseID("production/web/2-00000002")
	three = service.ReleaseID("production/web/3-00000003")
)

// folded is what events come to, one after the other.
func folded(t *testing.T, state ledger.State, events ...ledger.Event) ledger.State {
	t.Helper()
	for _, e := range events {
		e.Number, e.MinVersion, e.Time = state.Number+1, 1, epoch.Add(time.Duration(state.Number)*time.Minute)
		next, err := ledger.Fold(state, e)
		if err != nil {
			t.Fatalf("fold %s: %v", e.Type, err)
		}
		state = next
	}
	return state
}

func recordedIn(r service.ReleaseID, slot string) ledger.Event {
	return ledger.Event{Type: ledger.ReleaseRecorded, Release: r, Record: &service.Release{ID: r, Placement: in(r, slot, "a", "b")}}
}

func ended(number int, r service.ReleaseID, mode service.Mode, closing ledger.Closing) []ledger.Event {
	return []ledger.Event{
		{Type: ledger.AttemptOpened, Attempt: number, Release: r, Opening: &ledger.Opening{Mode: mode}},
		{Type: ledger.StageOpened, Attempt: number, Release: r, Stage: service.StageRelease},
		{Type: ledger.AttemptClosed, Attempt: number, Release: r, Closing: &closing},
	}
}

// That what a release took the place of is not stopped is a fact until it is, or somebody takes it as it is, whatever comes to nothing
// meanwhile.
func TestUntidiedUntilItIsTidied(t *testing.T) {
	t.Parallel()
	state := folded(t, ledger.State{}, slices.Concat(
		[]ledger.Event{recordedIn(one, "blue")}, ended(1, one, service.ModeInstall, ledger.Closing{End: service.EndFinalized}),
		[]ledger.Event{{Type: ledger.Tidied, Attempt: 1}, recordedIn(two, "green")},
		ended(2, two, service.ModeUpdate, ledger.Closing{End: service.EndFinalized, Kept: []service.ReleaseID{one}}))...)
	for n := range 9 {
		if a := state.Untidied(); a == nil || a.Release != two || !state.Unsettled() {
			t.Fatalf("behind %d attempts untidied is %v, unsettled %t", n, a, state.Unsettled())
		}
		end := []service.End{service.EndRestored, service.EndAbandoned}[n%2]
		attempt := ended(state.LastAttempt+1, one, service.ModeRollback, ledger.Closing{End: end})
		if open := folded(t, state, attempt[:2]...); open.Untidied() != nil || open.Unsettled() {
			t.Error("it is asked while an attempt is open")
		}
		state = folded(t, state, attempt...)
	}
	for name, e := range map[string]ledger.Event{
		"tidied":   {Type: ledger.Tidied, Attempt: 2},
		"accepted": {Type: ledger.Accepted, Attempt: state.LastAttempt, Release: two, Closing: &ledger.Closing{Kept: []service.ReleaseID{one}}},
		"stopped":  {Type: ledger.ServiceStopped},
		"adopted": {Type: ledger.Adopted, Definition: &service.Definition{ID: web}, Adoption: &ledger.Adoption{
			Stable: two, Releases: map[service.ReleaseID]service.Release{two: {ID: two}},
		}},
	} {
		if after := folded(t, state, e); after.Untidied() != nil || after.Unsettled() {
			t.Errorf("%s: untidied is %v, unsettled %t", name, after.Untidied(), after.Unsettled())
		}
	}
	if after := folded(t, state, ledger.Event{Type: ledger.Tidied, Attempt: 1}); after.Untidied() == nil {
		t.Error("it is tidied by another attempt's")
	}
	if alive := (ledger.View{State: state, Alive: true}); alive.Untidied() != nil || alive.Unsettled() {
		t.Error("it is asked while a run is at work, which may be about to tidy")
	}
}

// On a machine that a rollback left out there may be something to stop, whichever release it did not bring there.
func TestUnsettledByWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, r := range []service.ReleaseID{one, two} {
		closing := ended(1, one, service.ModeRollback, ledger.Closing{End: service.EndFinalized})
		closing[2].LeftOut = []service.Placement{in(r, "blue", "c")}
		state := folded(t, ledger.State{}, slices.Concat([]ledger.Event{recordedIn(one, "blue")}, closing, []ledger.Event{{Type: ledger.Tidied, Attempt: 1}})...)
		if len(state.LeftOut) != 1 || !state.Unsettled() {
			t.Errorf("%s: left out %v, unsettled %t", r, state.LeftOut, state.Unsettled())
		}
	}
}

// A recovery, or an operator who takes what runs as it is, forgets no release that may run still. An older provider would: the entry says that
// it may not read it. One that an older provider wrote means what it meant.
func TestRemainingReleasesAreNotForgotten(t *testing.T) {
	t.Parallel()
	for _, kind := range []ledger.Type{ledger.Recovered, ledger.Accepted} {
		for _, remaining := range [][]service.ReleaseID{nil, {three}} {
			ctx := context.Background()
			l := ledger.Open(open(t, t.TempDir()), web)
			lease, err := l.Acquire(ctx, "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range slices.Concat(
				[]ledger.Event{{Type: ledger.ServiceDefined, Definition: &service.Definition{ID: web}}, recordedIn(three, "blue"), recordedIn(one, "blue"), recordedIn(two, "green")},
				ended(1, two, service.ModeRollback, ledger.Closing{End: service.EndFinalized}),
				ended(2, one, service.ModeUpdate, ledger.Closing{End: service.EndRestoreFailed}),
				[]ledger.Event{{Type: kind, Attempt: 2, Release: two, Remaining: remaining}}) {
				if err := lease.Append(ctx, e); err != nil {
					t.Fatal(err)
				}
			}
			state := lease.State()
			if got := state.Beside(); !slices.Equal(got, remaining) || state.Broken != nil {
				t.Errorf("%s: beside are %v, want %v; broken %v", kind, got, remaining, state.Broken)
			}
			if kind == ledger.Accepted && state.Unsettled() != (len(remaining) > 0) {
				t.Errorf("unsettled %t with %v", state.Unsettled(), remaining)
			}
			number := state.Number
			release(t, lease)
			events, err := l.Events(ctx, number)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{false: 1, true: 4}[len(remaining) > 0]; events[0].Type != kind || events[0].MinVersion != want {
				t.Errorf("%s needs version %d, want %d", events[0].Type, events[0].MinVersion, want)
			}
		}
	}
}

// A snapshot of an older provider, which did not know what is untidied, is not taken for the whole.
func TestSnapshotOfAnOlderProviderIsFoldedAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, t.TempDir())
	l := ledger.Open(s, web)
	lease, err := l.Acquire(ctx, "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ended(1, one, service.ModeInstall, ledger.Closing{End: service.EndFinalized}) {
		if err := lease.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	release(t, lease)
	view, err := l.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	older := view.State
	older.Untidy = 0
	data, err := json.Marshal(map[string]any{"version": 3, "state": older})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, string(web)+"/state.json", data); err != nil {
		t.Fatal(err)
	}
	if view, err = l.Read(ctx); err != nil || view.Untidied() == nil {
		t.Errorf("untidied is %v, %v", view.Untidied(), err)
	}
}
