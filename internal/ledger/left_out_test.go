package ledger_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// in is a release's placement in a slot, with one instance a host.
func in(release service.ReleaseID, slot string, hosts ...string) service.Placement {
	p := service.Placement{Release: release, Slot: slot}
	for _, host := range hosts {
		p.Instances = append(p.Instances, service.Instance{Name: slot + "/" + host + "/0", Host: host})
	}
	return p
}

// What a rollback leaves out is either in the record of its release or left out, and the one entry that ends the rollback moves it there. It
// is what an older provider would not see: the entry says so.
func TestLeftOutIsNotRecordedAsWell(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const one, two = service.ReleaseID("production/web/1-00000001"), service.ReleaseID("production/web/2-00000002")
	l := ledger.Open(open(t, t.TempDir()), web)
	lease, err := l.Acquire(ctx, "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	record := func(p service.Placement, left ...service.Placement) ledger.Event {
		return ledger.Event{Type: ledger.ReleaseRecorded, Release: p.Release, Record: &service.Release{ID: p.Release, Placement: p}, LeftOut: left}
	}
	steps := []struct {
		event    ledger.Event
		recorded service.Placement
		left     []service.Placement
	}{
		{ledger.Event{Type: ledger.ServiceDefined, Definition: &service.Definition{ID: web}}, service.Placement{}, nil},
		{ledger.Event{Type: ledger.AttemptOpened, Attempt: 1, Release: one, Opening: &ledger.Opening{Mode: service.ModeRollback}}, service.Placement{}, nil},
		{record(in(one, "blue", "a", "b")), in(one, "blue", "a", "b"), nil},
		{ledger.Event{Type: ledger.AttemptClosed, Attempt: 1, Release: one, Closing: &ledger.Closing{End: service.EndFinalized}, LeftOut: []service.Placement{in(one, "blue", "b", "c")}},
			in(one, "blue", "a"), []service.Placement{in(one, "blue", "b", "c")}},
		{record(in(two, "green", "b")), in(one, "blue", "a"), []service.Placement{in(one, "blue", "b", "c")}},
		{record(in(one, "blue", "a", "c")), in(one, "blue", "a", "c"), []service.Placement{in(one, "blue", "b")}},
		{record(in(one, "green", "a"), in(one, "blue", "c", "b")), in(one, "green", "a"), []service.Placement{in(one, "blue", "c", "b")}},
		{ledger.Event{Type: ledger.LeftOutStopped, Release: one, LeftOut: []service.Placement{in(one, "green", "c"), in(one, "blue", "b")}},
			in(one, "green", "a"), []service.Placement{in(one, "blue", "c")}},
		{ledger.Event{Type: ledger.ServiceStopped}, service.Placement{}, nil},
	}
	for n, step := range steps {
		before := lease.State()
		held := before.LeftOut
		kept := make([]service.Placement, len(held))
		for i, p := range held {
			kept[i] = p
			kept[i].Instances = slices.Clone(p.Instances)
		}
		if err := lease.Append(ctx, step.event); err != nil {
			t.Fatal(err)
		}
		state := lease.State()
		if diff := cmp.Diff(step.recorded, state.Releases[one].Placement); diff != "" {
			t.Errorf("step %d: it is recorded: %s", n, diff)
		}
		if diff := cmp.Diff(step.left, state.LeftOut); diff != "" && len(step.left)+len(state.LeftOut) > 0 {
			t.Errorf("step %d: left out is: %s", n, diff)
		}
		if diff := cmp.Diff(kept, held); diff != "" && len(held) > 0 {
			t.Errorf("step %d changed the state that it was given: %s", n, diff)
		}
	}
	release(t, lease)
	events, err := l.Events(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if want := map[bool]int{false: 1, true: 3}[len(e.LeftOut) > 0]; e.MinVersion != want {
			t.Errorf("%s needs version %d, want %d", e.Type, e.MinVersion, want)
		}
	}
}

// What a platform keeps of one placement says nothing of another: where they differ, both are kept.
func TestLeftOutKeepsWhereEachIs(t *testing.T) {
	t.Parallel()
	const one = service.ReleaseID("production/web/1-00000001")
	at := func(directory string, hosts ...string) service.Placement {
		p := in(one, "blue", hosts...)
		p.Platform = json.RawMessage(`{"directory":"` + directory + `"}`)
		return p
	}
	state := ledger.State{Releases: map[service.ReleaseID]service.Release{}}
	for n, step := range []struct{ leaves, want []service.Placement }{
		{[]service.Placement{at("/srv/web", "b")}, []service.Placement{at("/srv/web", "b")}},
		{[]service.Placement{at("/opt/web", "c")}, []service.Placement{at("/srv/web", "b"), at("/opt/web", "c")}},
		{[]service.Placement{at("/srv/web", "d")}, []service.Placement{at("/srv/web", "b", "d"), at("/opt/web", "c")}},
		// It was put there anew.
		{[]service.Placement{at("/opt/web", "b")}, []service.Placement{at("/srv/web", "d"), at("/opt/web", "c", "b")}},
	} {
		var err error
		record := service.Release{ID: one, Placement: in(one, "green", "a")}
		state, err = ledger.Fold(state, ledger.Event{Number: n + 1, Type: ledger.ReleaseRecorded, Release: one, Record: &record, LeftOut: step.leaves})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, state.LeftOut); diff != "" {
			t.Errorf("step %d: left out is: %s", n, diff)
		}
	}
}
