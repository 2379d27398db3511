// Package adoption reads what Terraform's state still knows of a service whose ledger is lost.
package adoption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	serviceresource "github.com/progressive-delivery/terraform-provider-deploy/internal/provider/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// typeService is the resource of a service; those of stages are deploy_<stage>.
const typePrefix, typeService = "deploy_", "deploy_service"

// Read finds a service in a state, in the form that `terraform state pull` prints and that lies in terraform.tfstate. resources
// are the provider's. A state without the service is an error.
func Read(ctx context.Context, state []byte, id service.ID, resources []func() resource.Resource) (delivery.Remembered, error) {
	objects, err := parse(state)
	if err != nil {
		return delivery.Remembered{}, err
	}
	schemas := schemasOf(ctx, resources)
	remembered := delivery.Remembered{Passed: map[service.ReleaseID]delivery.Passed{}}
	for _, o := range objects {
		s, known := schemas[o.Type]
		if !known || o.service() != id {
			continue
		}
		raw, err := o.value(ctx, s)
		if err != nil {
			return remembered, err
		}
		if o.Type == typeService {
			remembered.Owner, remembered.StoreID = o.kept.Owner, o.exported.StoreID
			if remembered.Definition, err = serviceresource.FromState(ctx, raw); err != nil {
				return remembered, fmt.Errorf("read %s: %w", o.address(), err)
			}
			continue
		}
		if err := add(remembered.Passed, o, s, raw); err != nil {
			return remembered, fmt.Errorf("read %s: %w", o.address(), err)
		}
	}
	if remembered.Definition.ID == "" {
		return remembered, fmt.Errorf("the state has no deploy_service of %s: give the state of the configuration that it belongs to", id)
	}
	return remembered, nil
}

func schemasOf(ctx context.Context, resources []func() resource.Resource) map[string]schema.Schema {
	schemas := map[string]schema.Schema{}
	for _, create := range resources {
		var name resource.MetadataResponse
		var form resource.SchemaResponse
		r := create()
		r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "deploy"}, &name)
		r.Schema(ctx, resource.SchemaRequest{}, &form)
		schemas[name.TypeName] = form.Schema
	}
	return schemas
}

// add notes that a release passed a stage.
func add(passed map[service.ReleaseID]delivery.Passed, o object, s schema.Schema, raw tftypes.Value) error {
	written, err := arguments.Encode(s, raw)
	if err != nil {
		return err
	}
	exports, err := o.exported.exports()
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(exports)
	if err != nil {
		return fmt.Errorf("encode what it exports: %w", err)
	}
	release := service.ReleaseID(o.exported.Release)
	all := passed[release]
	if all.Passages == nil {
		all.Passages = map[service.Stage]ledger.Passage{}
	}
	all.Attempt = max(all.Attempt, o.exported.Attempt)
	all.Passages[o.stage()] = ledger.Passage{
		Attempt: o.exported.Attempt, Release: release, At: exports.FinalizedAt, Owner: o.kept.Owner, Arguments: written, Exports: encoded,
	}
	passed[release] = all
	return nil
}

// value of the object's attributes. What another version of the provider wrote is read as far as it is known.
func (o object) value(ctx context.Context, s schema.Schema) (tftypes.Value, error) {
	raw, err := (&tfprotov6.RawState{JSON: o.attributes}).UnmarshalWithOpts(s.Type().TerraformType(ctx),
		tfprotov6.UnmarshalOpts{ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true}})
	if err != nil {
		return raw, fmt.Errorf("read %s: %w", o.address(), err)
	}
	return raw, nil
}

var errNotState = errors.New("it is no state of Terraform in the form of `terraform state pull`")
