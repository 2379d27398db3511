// Command noop is a provider that does nothing, with the schemas of this one: what any provider on the same framework costs for
// the same resources. Its Read leaves the state as it is, and its plans change nothing.
package main

import (
	"context"
	"fmt"
	"os"

	framework "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider"
)

func main() {
	server := func() framework.Provider {
		real, _ := provider.New("noop", &provider.Lifetime{})().(framework.ProviderWithFunctions)
		return noop{real}
	}
	err := providerserver.Serve(context.Background(), server, providerserver.ServeOpts{
		Address: "registry.terraform.io/progressive-delivery/deploy", ProtocolVersion: 6,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// noop has the real provider's schema and functions.
type noop struct {
	framework.ProviderWithFunctions
}

func (noop) Configure(context.Context, framework.ConfigureRequest, *framework.ConfigureResponse) {}

func (n noop) Resources(ctx context.Context) []func() resource.Resource {
	var quiet []func() resource.Resource
	for _, create := range n.ProviderWithFunctions.Resources(ctx) {
		quiet = append(quiet, func() resource.Resource { return still{create()} })
	}
	return quiet
}

// still has a real resource's name and schema, and none of its ways.
type still struct{ real resource.Resource }

func (s still) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	s.real.Metadata(ctx, req, resp)
}

func (s still) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	s.real.Schema(ctx, req, resp)
}

func (still) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (still) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (still) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (still) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
