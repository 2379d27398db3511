package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// hoarding is the world's connector, on machines that do not let go of older releases' files.
type hoarding struct{ *connector }

func (h hoarding) Adapters(d service.Definition) (delivery.Adapters, error) {
	a, err := h.connector.Adapters(d)
	a.Platform = hoarder{a.Platform}
	return a, err
}

type hoarder struct{ delivery.Platform }

func (h hoarder) Place(ctx context.Context, r service.Release, slot string) (service.Placement, error) {
	placement, err := h.Platform.Place(ctx, r, slot)
	if err == nil {
		err = &delivery.OldFilesLeft{Err: errors.New("host b: read-only file system")}
	}
	return placement, err
}

// A release goes on where the files of older ones stay, and that is told.
func TestOldFilesThatStayAreTold(t *testing.T) {
	t.Parallel()
	objects, w := newMemoryStore(), newWorld()
	p := newProvider(t, w, objects)
	p.run = delivery.NewRun(objects, hoarding{&connector{world: w, process: p.process}}, ledger.ThisProcess("terraform"),
		ledger.Terms{Length: leaseLength, Wait: time.Minute, Poll: 20 * time.Millisecond})
	defer p.close()
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if len(p.warnings) != 1 || p.warnings[0].Summary != "Old Files Not Removed" ||
		!strings.Contains(p.warnings[0].Detail, string(releaseOf("1"))+" is in place") || !strings.Contains(p.warnings[0].Detail, "host b: read-only file system") {
		t.Errorf("warnings %+v", p.warnings)
	}
	if p.state().Stable != releaseOf("1") {
		t.Errorf("stable is %s", p.state().Stable)
	}
}
