package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func discarding() map[string]service.Backup {
	return map[string]service.Backup{"orders": {OnRestore: "discard"}}
}

// before2 has release 1 stand, with a release 2 that is to fail under traffic, and a checkpoint whose data a restore puts back.
func before2(t *testing.T, w *world) (*memoryStore, *provider) {
	t.Helper()
	objects := newMemoryStore()
	applied(t, w, objects, "1").close()
	p := newProvider(t, w, objects)
	p.backups = discarding()
	w.data, w.erring[releaseOf("2")] = "before 2", true
	return objects, p
}

// failing is the apply of release 2, with its data, in a process of its own.
func failing(p *provider) {
	p.backups = discarding()
	_ = p.apply(context.Background(), "2")
}

// wantDataOnce asserts that the data was put back once, and that what stable wrote since then is there.
func wantDataOnce(t *testing.T, w *world, want string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.restores) != 1 || w.data != want {
		t.Errorf("the data is %q, want %q; it was put back from %v", w.data, want, w.restores)
	}
}

const later = "orders of the days after"

// Data is put back once in an attempt: a restore that fails after that is finished without it.
func TestDataIsNotPutBackByARecoveryAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := before2(t, w)
	p.process.before = func(_ int, what string) {
		if what == "restore done" {
			w.set(func() { w.unreachable = true }) // what runs cannot be inspected at the end
		}
	}
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Restore Failed")
	p.process.before = nil
	w.set(func() { w.unreachable, w.data = false, later })
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	wantDataOnce(t, w, later)
	p.close()
	oneEndEach(t, objects)
}

// Killed at every point after it is known that the data was put back, and its recovery killed at every point: not again. Where it is
// not known, because the process was killed in the middle of it or right after, it is put back anew: half of it is nothing.
func TestDataIsPutBackOnceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		var reached bool
		for second := 1; ; second++ {
			w := newWorld()
			objects, p := before2(t, w)
			p.close()
			// The first point is the one at which the outcome of the restore is in the ledger.
			n := 0
			p = newProvider(t, w, objects)
			p.process.killWhen = func(string) bool {
				if n > 0 || knows(t, objects, restored) {
					n++
				}
				return n == point
			}
			p.toItsEnd(failing)
			if reached = p.process.dead(); !reached {
				break
			}
			w.set(func() { w.data = later })
			more := crash(t, w, objects, second, func(p *provider) { _, _ = p.service().Recover(context.Background()) })
			p = newProvider(t, w, objects)
			if _, err := p.service().Recover(context.Background()); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "1")
			wantDataOnce(t, w, later)
			p.close()
			oneEndEach(t, objects)
			if t.Failed() {
				t.Fatalf("killed at point %d after the data was put back, the recovery at point %d", point, second)
			}
			if !more {
				break
			}
		}
		if !reached {
			t.Logf("%d points", point-1)
			if point == 1 {
				t.Error("nothing was killed")
			}
			return
		}
	}
}

// restored is the outcome of putting data back.
func restored(e ledger.Event) bool {
	return e.Type == ledger.ChangeMade && e.Change.Action == "restore" && e.Change.Error == ""
}

// knows tells whether there is such an event in the ledger.
func knows(t *testing.T, m *memoryStore, what func(ledger.Event) bool) bool {
	t.Helper()
	_, events := told(t, m)
	return slices.ContainsFunc(events, what)
}

// A candidate that could not be removed may go on writing: data waits until it is gone.
func TestDataWaitsForTheCandidateToBeGone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := before2(t, w)
	w.broken["remove"] = errors.New("the disk is gone")
	e := wantSummary(t, p.apply(context.Background(), "2"), "Restore Failed")
	if !slices.ContainsFunc(e.Leftovers, func(l string) bool { return strings.Contains(l, "data was not restored") }) {
		t.Errorf("it does not say that data waits: %s", e.Detail())
	}
	w.mu.Lock()
	if len(w.restores) != 0 || w.data != "before 2" {
		t.Errorf("the data is %q, put back from %v", w.data, w.restores)
	}
	w.mu.Unlock()
	w.set(func() { delete(w.broken, "remove"); w.data = "of 2" })
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantDataOnce(t, w, "before 2")
	stands(t, w, p, "1")
	p.close()
	oneEndEach(t, objects)
}

// twoBackups has releases 1 and 2 stand, and two pieces of data in the checkpoint before 2.
func twoBackups(t *testing.T, w *world, objects *network) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	p.backups = map[string]service.Backup{"a": {}, "b": {}}
	for _, version := range []string{"1", "2"} {
		w.set(func() { w.data = "before " + version })
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.data = "now" })
	return p
}

// The second piece of data of an operator's restore cannot be put back: the traffic stays where it is wanted, it is said what is
// left, and a recovery does that, and nothing twice.
func TestRestoreWhoseSecondBackupFails(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
	p := twoBackups(t, w, objects)
	w.broken["restore 2/b"] = errors.New("half of it was put back")
	_, err := p.service().RestoreCheckpoint(context.Background(), "2", true, "a bad release")
	e := wantSummary(t, err, "Rollback Unfinished")
	if !strings.Contains(e.Detail(), "half of it was put back") || !strings.Contains(e.Detail(), "data b") {
		t.Errorf("it does not say what is left: %s", e.Detail())
	}
	w.mu.Lock()
	if w.weights["blue"] != 100 || w.running["blue"] != releaseOf("1") {
		t.Errorf("the traffic is %v, and %v runs", w.weights, w.running)
	}
	w.mu.Unlock()
	w.set(func() { delete(w.broken, "restore 2/b") })
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	recovery, err := p.service().Recover(context.Background())
	if err != nil || !recovery.Recovered {
		t.Fatalf("%+v, %v", recovery, err)
	}
	stands(t, w, p, "1")
	if want := []string{"2/a", "2/b"}; !slices.Equal(w.restores, want) {
		t.Errorf("put back from %v, want %v", w.restores, want)
	}
	if held := p.state().Held[releaseOf("2")]; !strings.Contains(held, "a bad release") {
		t.Errorf("held is %v", p.state().Held)
	}
	oneEndEach(t, objects.memoryStore)
	neverCutOff(t, w)
}

// A backup that is not whole is found before anything is touched.
func TestRestoreOfABackupThatIsNotWhole(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
	p := twoBackups(t, w, objects)
	defer p.close()
	w.set(func() { delete(w.saved, "2/b") })
	_, err := p.service().RestoreCheckpoint(context.Background(), "2", true, "")
	_ = wantSummary(t, err, "Backup Not Whole")
	stands(t, w, p, "2")
	if len(w.restores) > 0 {
		t.Errorf("put back from %v", w.restores)
	}
}
