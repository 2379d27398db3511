package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// A release that is left out on a host is looked for there where it was placed, however often it is rolled back to, and whatever the definition
// has said since then.
func TestLeftOutIsRememberedWhereItIs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.directory = "/srv/web"
	p := fleetOfTwo(t, w)
	w.set(func() { w.silent["c"] = true })
	for range 2 { // The second finds the host silent by what else runs there.
		if _, err := p.service().RestoreCheckpoint(t.Context(), "2", false, ""); err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.directory = "/opt/web" })
	}
	s := p.state()
	if len(s.LeftOut) != 1 || s.LeftOut[0].Release != releaseOf("1") || string(s.LeftOut[0].Platform) != string(inDirectory("/srv/web")) {
		t.Errorf("left out are %v", s.LeftOut)
	}
}

// A release that takes the place of another stops each part of that where it is.
func TestReplacedWhereEachPartIs(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	w.slots, w.router, w.directory = []string{"blue"}, false, "/srv/web"
	p := leftOutOnC(t, w, objects)
	stable := *p.state().StableRelease()
	p.close()
	// As where the others were placed anew meanwhile.
	w.set(func() {
		delete(w.silent, "c")
		clear(w.sick)
		w.directory = "/opt/web"
		w.where["blue/a"], w.where["blue/b"] = string(inDirectory("/opt/web")), string(inDirectory("/opt/web"))
	})
	stable.Placement.Platform = inDirectory("/opt/web")
	appended(t, objects, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: 1, Release: stable.ID, Record: &stable})
	p = newProvider(t, w, objects)
	defer p.close()
	if s := p.state(); len(s.LeftOut) != 1 || string(s.LeftOut[0].Platform) == string(stable.Placement.Platform) {
		t.Fatalf("left out are %v", s.LeftOut)
	}
	if err := p.apply(t.Context(), "3"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "3", "blue/a", "blue/b", "blue/c")
}

// appended writes an entry to the ledger, as a run did that has ended.
func appended(t *testing.T, objects *memoryStore, e ledger.Event) {
	t.Helper()
	terms := ledger.Terms{Length: leaseLength, Wait: time.Minute, Poll: 20 * time.Millisecond}
	lease, err := ledger.Open(objects, web).Acquire(t.Context(), "before", ledger.ThisProcess("terraform"), terms)
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context(), false); err != nil {
		t.Fatal(err)
	}
}
