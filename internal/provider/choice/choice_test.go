package choice_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
)

var typ = types.ObjectType{AttrTypes: map[string]attr.Type{"ship": types.StringType, "train": types.StringType, "other": types.StringType}}

var of = choice.Of{Names: []string{"ship", "train"}, ToCome: []string{"train"}}

func TestChoices(t *testing.T) {
	root := path.Root("by")
	for name, test := range map[string]struct {
		value string
		check func(path.Path, types.Object, *diag.Diagnostics)
		at    path.Path
		want  string
	}{
		"one":                   {value: `{"ship": "x", "other": "y"}`, check: of.ExactlyOne},
		"none":                  {value: `{"other": "y"}`, check: of.ExactlyOne, at: root, want: "Set exactly one of: ship, train. Here none is set; this version of the provider has ship."},
		"two":                   {value: `{"ship": "x", "train": "y"}`, check: of.ExactlyOne, at: root, want: "Set exactly one of: ship, train. Here ship and train are set."},
		"one to come":           {value: `{"train": "y"}`, check: of.ExactlyOne, at: root.AtName("train"), want: "It is not in this version of the provider; use ship."},
		"not known yet":         {value: `{"train": "<unknown>"}`, check: of.ExactlyOne},
		"any of none":           {value: `{}`, check: of.AtLeastOne, at: root, want: "Set at least one of: ship, train."},
		"any of both":           {value: `{"ship": "x", "train": "y"}`, check: of.AtLeastOne, at: root.AtName("train"), want: "It is not in this version of the provider; use ship."},
		"any, not known yet":    {value: `{"ship": "<unknown>"}`, check: of.AtLeastOne},
		"at most one":           {value: `{"ship": "x"}`, check: of.AtMostOne},
		"not more than one":     {value: `{"ship": "x", "train": "y"}`, check: of.AtMostOne, at: root, want: "Set at most one of: ship, train. Here ship and train are set."},
		"perhaps one":           {value: `{"ship": "x", "train": "<unknown>"}`, check: of.AtMostOne},
		"nothing to look into":  {value: `null`, check: of.ExactlyOne},
		"nothing that is known": {value: `"<unknown>"`, check: of.ExactlyOne},
	} {
		t.Run(name, func(t *testing.T) {
			object, _ := configtest.Value(t, typ, test.value).(types.Object)
			var diags diag.Diagnostics
			test.check(root, object, &diags)
			if test.want == "" {
				if len(diags) > 0 {
					t.Errorf("got %v, want silence", diags)
				}
				return
			}
			configtest.WantOne(t, diags, test.at, test.want)
		})
	}
}

func TestValues(t *testing.T) {
	at := path.Root("colour")
	for value, want := range map[types.String]string{
		types.StringValue("red"):   "",
		types.StringNull():         "",
		types.StringUnknown():      "",
		types.StringValue("pink"):  `"pink" is not one of: red, green.`,
		types.StringValue("Green"): `"Green" is not one of: red, green.`,
		types.StringValue(""):      `"" is not one of: red, green.`,
	} {
		var diags diag.Diagnostics
		choice.Value(at, value, &diags, "red", "green")
		if want != "" {
			configtest.WantOne(t, diags, at, want)
		} else if len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", value, diags)
		}
	}
}
