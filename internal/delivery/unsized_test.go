package delivery_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service of which the ledger does not say where its release runs is not said to be in order, nor that a host does not answer.
func TestReleaseThatIsRecordedNowhere(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.platform = onHosts("a", "b")
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	record := *p.state().StableRelease()
	p.close()
	lease, err := ledger.Open(objects, web).Acquire(t.Context(), "by hand", ledger.ThisProcess("test"), ledger.Terms{Length: leaseLength, Wait: leaseLength, Poll: leaseLength})
	if err != nil {
		t.Fatal(err)
	}
	record.Placement = service.Placement{}
	if err := lease.Append(t.Context(), ledger.Event{Type: ledger.ReleaseRecorded, Release: record.ID, Record: &record}); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	p = newProvider(t, w, objects)
	defer p.close()
	_, err = p.service().Recover(t.Context())
	if err == nil || strings.Contains(err.Error(), "%!") || !strings.Contains(err.Error(), `the ledger has it on [] of ["a" "b"]`) {
		t.Errorf("recovered: %v", err)
	}
}
