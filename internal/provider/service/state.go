package service

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// FromState is the definition that a deploy_service's value in a state comes to.
func FromState(ctx context.Context, raw tftypes.Value) (service.Definition, error) {
	var m model
	diags := (tfsdk.State{Schema: resourceSchema(), Raw: raw}).Get(ctx, &m)
	definition := service.Definition{}
	if !diags.HasError() {
		var failures diag.Diagnostics
		definition, failures = m.ToDefinition(ctx)
		diags.Append(failures...)
	}
	var problems []error
	for _, d := range diags.Errors() {
		problems = append(problems, errors.New(d.Detail()))
	}
	return definition, errors.Join(problems...)
}
