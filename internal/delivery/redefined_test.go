package delivery_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A host that does not answer by the definition that there was, and does by the one that a service is recovered with, is not left out.
func TestHostThatAnOtherDefinitionReaches(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
	p := newProvider(t, w, objects)
	defer p.close()
	p.platform = onHosts("a", "b", "c")
	for _, version := range []string{"1", "2"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.silent["c"], w.partly = true, errNode })
	_, err := p.service().Rollback(t.Context(), "", "")
	_ = wantSummary(t, err, "Rollback Unfinished")
	objects.spoil(func(e ledger.Event) error {
		if e.Type == ledger.ServiceDefined {
			w.set(func() { delete(w.silent, "c"); w.partly = nil })
		}
		return nil
	}, nil)
	definition := service.Definition{ID: web, Platform: onHosts("a", "b", "c"), Router: &service.Router{}}
	outcome, err := p.service().Define(t.Context(), delivery.DefineRequest{Definition: definition, Owner: p.state().Owner})
	if err != nil {
		t.Fatal(err)
	}
	if left := leftOutOf(outcome); left != "" {
		t.Errorf("a host that answers is left out: %s", left)
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}
