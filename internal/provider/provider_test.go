package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
)

func TestSchemasAreValid(t *testing.T) {
	server := providerserver.NewProtocol6(New("test", nil)())()
	resp, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	for _, name := range []string{
		"deploy_service", "deploy_preflight", "deploy_checkpoint", "deploy_release", "deploy_smoke_test", "deploy_traffic_split",
		"deploy_verification", "deploy_finalization",
	} {
		if resp.ResourceSchemas[name] == nil {
			t.Errorf("there is no resource %s", name)
		}
	}
	for _, name := range []string{"deploy_artifact", "deploy_release"} {
		if resp.DataSourceSchemas[name] == nil {
			t.Errorf("there is no data source %s", name)
		}
	}
	if resp.Functions["release_id"] == nil {
		t.Error("there is no function release_id")
	}
}

func TestStoreURL(t *testing.T) {
	for name, test := range map[string]struct {
		configured  types.String
		environment map[string]string
		want        string
		refused     string
	}{
		"a person's machine":   {types.StringNull(), nil, connect.DefaultStore, ""},
		"configured":           {types.StringValue("file:///srv/ledgers"), map[string]string{"CI": "true", "DEPLOY_STORE": "file:///other"}, "file:///srv/ledgers", ""},
		"from the environment": {types.StringNull(), map[string]string{"CI": "true", "DEPLOY_STORE": "file:///other"}, "file:///other", ""},
		"CI":                   {types.StringNull(), map[string]string{"CI": "true"}, "", "Store Needed"},
		"CI is false":          {types.StringNull(), map[string]string{"CI": "false"}, connect.DefaultStore, ""},
		"HCP Terraform":        {types.StringNull(), map[string]string{"TFC_RUN_ID": "run-1"}, "", "Store Needed"},
		"a file there":         {types.StringValue("file:///srv/ledgers"), map[string]string{"TFC_RUN_ID": "run-1"}, "", "Store Does Not Last"},
		"in capitals":          {types.StringValue("FILE:///srv/ledgers"), map[string]string{"TFC_RUN_ID": "run-1"}, "", "Store Does Not Last"},
	} {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			got := storeURL(test.configured, func(key string) string { return test.environment[key] }, &diags)
			switch {
			case test.refused == "" && diags.HasError():
				t.Errorf("refused: %v", diags)
			case test.refused == "" && got != test.want:
				t.Errorf("got %q, want %q", got, test.want)
			case test.refused != "" && (len(diags) != 1 || diags[0].Summary() != test.refused):
				t.Errorf("got %v, want %q", diags, test.refused)
			}
		})
	}
}

func TestCredentialsThatAreNotKnownYet(t *testing.T) {
	values := types.MapValueMust(types.StringType, map[string]attr.Value{"known": types.StringValue("x"), "later": types.StringUnknown()})
	secrets, complete := credentials(t.Context(), values)
	if complete || len(secrets) != 1 || secrets["known"] != "x" {
		t.Errorf("got %v, complete %t", secrets, complete)
	}
	if secrets, complete = credentials(t.Context(), types.MapNull(types.StringType)); !complete || len(secrets) != 0 {
		t.Errorf("got %v, complete %t for none", secrets, complete)
	}
	if _, complete = credentials(t.Context(), types.MapUnknown(types.StringType)); complete {
		t.Error("an unknown map is complete")
	}
}
