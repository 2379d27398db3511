package provider

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// Variables of the environment that stand behind the provider's arguments.
const (
	storeVariable = "DEPLOY_STORE"
	waitVariable  = "DEPLOY_LOCK_WAIT"
	leaseVariable = "DEPLOY_LOCK_LEASE"
)

// engine opens the store and begins the process's run. While the store is not known yet there is no run: plans then
// know less, and an apply is refused.
func (p *deploy) engine(ctx context.Context, config model, diags *diag.Diagnostics) *engine.Engine {
	budget := duration.ToDuration(config.RunBudget, 0, path.Root("run_budget"), diags).D()
	terms := lockTerms(ctx, config.Lock, diags)
	if diags.HasError() {
		return nil
	}
	if config.Store.IsUnknown() {
		return engine.New(nil, nil, budget)
	}
	if !config.Store.IsNull() && config.Store.ValueString() == "" {
		diags.AddAttributeError(path.Root("store"), "Invalid Store", "\"\" is not a store: write s3://bucket/prefix, gs://bucket/prefix, azblob://container/prefix or "+
			"file:///absolute/path; or leave it out (null), and "+storeVariable+" or the default says where.")
		return nil
	}
	place := storeURL(config.Store, os.Getenv, diags)
	if diags.HasError() {
		return nil
	}
	s, directory, err := connect.Store(ctx, place)
	if err != nil {
		diags.AddAttributeError(path.Root("store"), "Invalid Store", diagnostics.Sentence(err.Error()))
		return nil
	}
	secrets, complete := credentials(ctx, config.Credentials)
	connector := connect.New(connect.Options{Credentials: secrets, Store: s, Directory: directory})
	run := delivery.NewRun(s, connector, ledger.ThisProcess("terraform"), terms)
	p.lifetime.register(run)
	if !complete {
		return engine.New(run, nil, budget)
	}
	return engine.New(run, connector.Credentials(), budget)
}

// storeURL is what is configured, else the environment's, else the default of a person's machine. getenv is os.Getenv.
func storeURL(configured types.String, getenv func(string) string, diags *diag.Diagnostics) string {
	place := configured.ValueString()
	if place == "" {
		place = getenv(storeVariable)
	}
	hosted := getenv("TFC_RUN_ID") != ""
	choices := "s3://bucket/prefix, gs://bucket/prefix or azblob://container/prefix"
	if !hosted {
		choices += ", or to file:///absolute/path on a disk that is kept"
	}
	next := fmt.Sprintf("Next: set the provider's store, or %s, to %s.", storeVariable, choices)
	switch {
	case place == "" && (hosted || inCI(getenv)):
		diags.AddAttributeError(path.Root("store"), "Store Needed",
			"Where the ledgers lie must be said here: the disk of this run may not outlive it, and what it forgets, the next run cannot restore.\n\n"+next)
	case hosted && onDisk(place):
		diags.AddAttributeError(path.Root("store"), "Store Does Not Last", fmt.Sprintf(
			"The store is %s, and the disk of a run of HCP Terraform does not outlive it.\n\n%s", place, next))
	case place == "":
		return connect.DefaultStore
	}
	return place
}

// onDisk tells whether a store's URL names a disk. Schemes may be written in capitals.
func onDisk(store string) bool {
	u, err := url.Parse(store)
	return err == nil && u.Scheme == "file"
}

// inCI tells whether no person's machine runs this.
func inCI(getenv func(string) string) bool {
	ci := strings.ToLower(getenv("CI"))
	return ci != "" && ci != "false" && ci != "0"
}

func lockTerms(ctx context.Context, lock types.Object, diags *diag.Diagnostics) ledger.Terms {
	l, _ := plain.Object[lockModel](ctx, lock, diags)
	at := path.Root("lock")
	terms := ledger.DefaultTerms
	terms.Wait = length(l.Wait, waitVariable, terms.Wait, at.AtName("wait"), diags)
	terms.Length = length(l.Lease, leaseVariable, terms.Length, at.AtName("lease"), diags)
	if terms.Length < time.Second {
		diags.AddAttributeError(at.AtName("lease"), "Invalid Duration", "A lease is at least \"1s\" long.")
	}
	terms.Poll = min(terms.Poll, terms.Length/4)
	return terms
}

// length is what is configured, else the environment's.
func length(value types.String, variable string, fallback time.Duration, at path.Path, diags *diag.Diagnostics) time.Duration {
	if written := os.Getenv(variable); written != "" && value.IsNull() {
		parsed, err := duration.Parse(written)
		if err != nil {
			diags.AddAttributeError(at, "Invalid Duration", fmt.Sprintf("%s: %s.", variable, err))
		}
		return parsed
	}
	return duration.ToDuration(value, fallback, at, diags).D()
}

// credentials that are known; complete is false where some are not yet, so that nobody is told that they are missing.
func credentials(ctx context.Context, values types.Map) (secrets map[string]string, complete bool) {
	if values.IsUnknown() {
		return nil, false
	}
	secrets = map[string]string{}
	for name, element := range values.Elements() {
		if text, ok := element.(types.String); ok && !text.IsNull() && !text.IsUnknown() {
			secrets[name] = text.ValueString()
		}
	}
	return secrets, plain.IsKnown(ctx, values)
}
