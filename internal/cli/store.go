package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// storeURL is the flag, then the environment, then the default.
func (o *options) storeURL() string {
	if o.store != "" {
		return o.store
	}
	if url := os.Getenv("DEPLOY_STORE"); url != "" {
		return url
	}
	return connect.DefaultStore
}

// openStore opens a store that is in use. One without an identity is an error: it is mistyped, not mounted or lost, and "there is
// nothing to do" would be no answer. directory is as connect.Store returns it.
func (o *options) openStore(ctx context.Context) (s store.Store, directory string, err error) {
	s, directory, err = connect.Store(ctx, o.storeURL())
	if err != nil {
		return nil, "", err
	}
	_, found, err := ledger.Identify(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, "", &delivery.Error{
			Summary: "Store Not Found",
			What:    fmt.Sprintf("At %s is no store: there is no %s", s.URL(), store.Location(s, "store.json")),
			Next: "Correct --store or DEPLOY_STORE; mount the disk that it lies on; or put it back from a backup. The first apply makes a new one, " +
				"and `adopt` one in the place of a store that is truly lost.",
		}
	}
	return s, directory, nil
}

// open names the ledger of a service, which need not be there yet.
func (o *options) open(ctx context.Context, id string) (*ledger.Ledger, error) {
	s, _, err := o.openStore(ctx)
	if err != nil {
		return nil, err
	}
	return ledger.Open(s, service.ID(id)), nil
}

// known opens the ledger of a service that has one.
func (o *options) known(ctx context.Context, id string) (*ledger.Ledger, error) {
	s, _, err := o.openStore(ctx)
	if err != nil {
		return nil, err
	}
	l := ledger.Open(s, service.ID(id))
	view, err := l.Read(ctx)
	if err != nil {
		return nil, err
	}
	if view.State.Number == 0 {
		return nil, unknown(ctx, s, id)
	}
	return l, nil
}

// unknown is the error of a service that a store does not have; it lists those that there are.
func unknown(ctx context.Context, s store.Store, id string) error {
	all, err := ledger.Services(ctx, s)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, known := range all {
		names[i] = string(known)
	}
	there := "it has no services"
	if len(names) > 0 {
		there = "its services are " + strings.Join(names, ", ")
	}
	return &delivery.Error{
		Summary: "Service Not Found", What: fmt.Sprintf("The store %s has no service %s: %s", s.URL(), id, there),
		Next: "Correct the service's name, or --store.",
	}
}
