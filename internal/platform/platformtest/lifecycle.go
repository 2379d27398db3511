package platformtest

import (
	"reflect"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// lifecycle walks through the methods, each twice: the second time changes nothing.
func lifecycle(b *bench) {
	r := b.placed("1.0.0", "blue")
	foretold, err := b.Platform.Placement(r, "blue")
	b.ok(err)
	again, err := b.Platform.Place(b.Context(), r, "blue")
	b.ok(err)
	if !reflect.DeepEqual(r.Placement, foretold) || !reflect.DeepEqual(r.Placement, again) {
		b.Fatalf("the placement is not the same: %+v, foretold %+v, placed again %+v", r.Placement, foretold, again)
	}
	if r.Placement.Release != r.ID || r.Placement.Slot != "blue" || len(r.Placement.Instances) != 2 ||
		!strings.HasPrefix(r.Placement.Instances[1].Name, "blue/") || r.Placement.Instances[0].Name == r.Placement.Instances[1].Name {
		b.Fatalf("placement %+v", r.Placement)
	}
	b.still(r)
	b.noProblems(r, "blue")
	b.started(r, nil)
	b.runs(r)
	before := b.get(r.Placement.Instances[0], "/environment?name=TEST_MARK")
	b.ok(b.Platform.Start(b.Context(), r, map[string]string{VariableMark: "another"}))
	b.runs(r)
	if after := b.get(r.Placement.Instances[0], "/environment?name=TEST_MARK"); after != before {
		b.Fatal("an instance that ran was started again")
	}
	b.noProblems(r, "blue") // Its own instances are in nobody's way.
	for range 2 {
		b.ok(b.Platform.Stop(b.Context(), r.Placement))
		b.still(r)
	}
	for range 2 {
		b.ok(b.Platform.Remove(b.Context(), r.Placement))
		b.still(r)
	}
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	if err := b.Platform.Start(b.Context(), r, nil); err == nil {
		b.Fatal("a release that was removed was started")
	}
}

func (b *bench) noProblems(r service.Release, slot string) {
	b.Helper()
	if problems := b.Platform.Room(b.Context(), r, slot); len(problems) > 0 {
		b.Fatalf("no room: %v", problems)
	}
}

// sideBySide: what happens in one slot does not touch the other.
func sideBySide(b *bench) {
	if slots := b.Platform.Slots(); !reflect.DeepEqual(slots, []string{"blue", "green"}) {
		b.Fatalf("slots %q", slots)
	}
	stable, candidate := b.placed("1.0.0", "blue"), b.placed("2.0.0", "green")
	b.started(stable, nil)
	b.started(candidate, nil)
	b.runs(stable)
	b.runs(candidate)
	b.ok(b.Platform.Remove(b.Context(), candidate.Placement))
	b.still(candidate)
	b.runs(stable)
	b.answers(stable)
}

// slotTaken: a slot holds one release.
func slotTaken(b *bench) {
	first, second := b.placed("1.0.0", "blue"), b.placed("2.0.0", "blue")
	b.started(first, nil)
	if len(b.Platform.Room(b.Context(), second, "blue")) == 0 {
		b.Fatal("there is room in a slot that is taken")
	}
	if problems := b.Platform.Room(b.Context(), second, "blue", first.Placement); len(problems) > 0 {
		b.Fatalf("what will have left the slot is in the way: %v", problems)
	}
	if err := b.Platform.Start(b.Context(), second, nil); err == nil {
		b.Fatal("started in a slot that is taken")
	}
	b.runs(first)
	for _, s := range b.inspect(second) {
		if s.Running || s.Release != first.ID || s.Detail == "" {
			b.Fatalf("got %+v, want %s named", s, first.ID)
		}
	}
}

// oldPlacement: stopping and removing what was in a slot leaves alone what is in it.
func oldPlacement(b *bench) {
	first, second := b.placed("1.0.0", "blue"), b.placed("2.0.0", "blue")
	b.started(first, nil)
	b.ok(b.Platform.Stop(b.Context(), first.Placement))
	b.started(second, nil)
	b.ok(b.Platform.Stop(b.Context(), first.Placement))
	b.runs(second)
	b.ok(b.Platform.Remove(b.Context(), first.Placement))
	b.runs(second)
	b.answers(second)
}

// startedAgain: what was stopped and kept runs again.
func startedAgain(b *bench) {
	r := b.placed("1.0.0", "green")
	b.started(r, nil)
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	b.still(r)
	again, err := b.Platform.Place(b.Context(), r, "green")
	b.ok(err)
	r.Placement = again
	b.started(r, nil)
	b.runs(r)
}

// otherSlot: a release that runs in one slot is removed from the other.
func otherSlot(b *bench) {
	before := b.placed("1.0.0", "blue")
	b.started(before, nil)
	b.ok(b.Platform.Stop(b.Context(), before.Placement))
	now := b.placed("1.0.0", "green")
	b.started(now, nil)
	b.ok(b.Platform.Remove(b.Context(), before.Placement))
	b.runs(now)
	b.ok(b.Platform.Stop(b.Context(), now.Placement))
	b.started(now, nil)
}

func environment(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{"GREETING": "hello = world", "EMPTY": "", "DEPLOY_RELEASE": "forged"})
	i := r.Placement.Instances[0]
	for name, want := range map[string]string{
		"GREETING": "hello = world", "EMPTY": "", "DEPLOY_RELEASE": string(r.ID), "DEPLOY_SERVICE": string(r.ID.Service()),
		"DEPLOY_SLOT": "blue", "DEPLOY_INSTANCE": i.Name, "DEPLOY_ADDRESS": i.Address[:strings.LastIndexByte(i.Address, ':')],
	} {
		if got := b.get(i, "/environment?name="+name); got != want {
			b.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// neverPlaced: what is not there is a state, and no error.
func neverPlaced(b *bench) {
	r := b.Release("1.0.0")
	placement, err := b.Platform.Placement(r, "green")
	b.ok(err)
	r.Placement = placement
	b.still(r)
	b.ok(b.Platform.Stop(b.Context(), placement))
	b.ok(b.Platform.Remove(b.Context(), placement))
	lines, err := b.Platform.Logs(b.Context(), placement, 10)
	b.ok(err)
	if len(lines) > 0 {
		b.Errorf("logs %q", lines)
	}
	if _, err := b.Platform.Placement(r, "red"); err == nil {
		b.Error("there is no slot red")
	}
	if err := b.Platform.Start(b.Context(), r, nil); err == nil {
		b.Error("started without its files")
	}
}

// ownRecord: the platform knows by itself what was placed, wherever the ledger is.
func ownRecord(b *bench) {
	known := func() map[service.ReleaseID]service.Release {
		b.Helper()
		all, err := b.Platform.Releases(b.Context())
		b.ok(err)
		byID := map[service.ReleaseID]service.Release{}
		for _, r := range all {
			byID[r.ID] = r
		}
		if len(byID) != len(all) {
			b.Errorf("a release is listed twice: %v", all)
		}
		return byID
	}
	if all := known(); len(all) > 0 {
		b.Fatalf("before anything was placed: %v", all)
	}
	awkward := b.Release("1.0.0")
	awkward.Content.Config = map[string]string{"LINES": "one\ntwo\r\n\ttabbed\n", "PATTERN": `^\d+\.\s*$ \\n \b\c \x41 \0101 %s %d`, "QUOTES": `"it's" $HOME` + " `id` é \u2028"}
	awkward.ID = awkward.Content.ReleaseID(awkward.ID.Service())
	one, two := Placed(b, b.Platform, awkward, "blue"), b.placed("2.0.0", "green")
	b.started(one, map[string]string{"TOKEN": "a secret"})
	all := known()
	for _, want := range []service.Release{one, two} {
		if diff := cmp.Diff(want, all[want.ID]); diff != "" {
			b.Errorf("%s is known as another (-placed +listed):\n%s", want.ID, diff)
		}
	}
	b.ok(b.Platform.Remove(b.Context(), two.Placement))
	if all := known(); len(all) != 1 || all[one.ID].ID == "" {
		b.Errorf("after the removal of %s: %v", two.ID, all)
	}
}
