package diagnostics_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var typ = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name": types.StringType,
	"tags": types.MapType{ElemType: types.StringType},
	"list": types.ListType{ElemType: types.StringType},
}}

func TestLocated(t *testing.T) {
	root := path.Root("it")
	tests := map[string]struct {
		value string
		at    []string
		want  path.Path
	}{
		"an attribute":        {`{"name": "x"}`, []string{"name"}, root.AtName("name")},
		"a key":               {`{"tags": {"0": "x"}}`, []string{"tags", "0"}, root.AtName("tags").AtMapKey("0")},
		"an index":            {`{"list": ["a", "b"]}`, []string{"list", "1"}, root.AtName("list").AtListIndex(1)},
		"the whole":           {`{}`, nil, root},
		"what is missing":     {`{}`, []string{"name"}, root},
		"an index beyond":     {`{"list": ["a"]}`, []string{"list", "7"}, root.AtName("list")},
		"beside the unknown":  {`{"name": "x", "tags": "<unknown>"}`, []string{"name"}, root.AtName("name")},
		"a key beside others": {`{"tags": {"a": "x", "b": "<unknown>"}}`, []string{"tags", "a"}, root.AtName("tags").AtMapKey("a")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			problems := []service.Problem{{Path: test.at, Detail: "write x instead"}}
			configtest.WantOne(t, diagnostics.Located(t.Context(), root, configtest.Value(t, typ, test.value), problems), test.want, "Write x instead.")
		})
	}
}

func TestLocatedLeavesOutWhatTheUnknownMayCause(t *testing.T) {
	for text, at := range map[string][]string{
		`{"name": "<unknown>"}`:               {"name"},
		`{"tags": "<unknown>"}`:               nil,
		`{"list": ["<unknown>"]}`:             {"list"},
		`{"tags": {"a": "<unknown>"}}`:        {"tags", "a"},
		`{"name": null, "tags": "<unknown>"}`: {"name"},
	} {
		problems := []service.Problem{{Path: at, Detail: "write x"}}
		if diags := diagnostics.Located(t.Context(), path.Root("it"), configtest.Value(t, typ, text), problems); len(diags) > 0 {
			t.Errorf("%s at %v: got %v, want silence", text, at, diags)
		}
	}
}

func TestFromProblems(t *testing.T) {
	problems := []service.Problem{{Path: []string{"list", "1", "name"}, Detail: "name it"}}
	configtest.WantOne(t, diagnostics.FromProblems(path.Root("it"), problems), path.Root("it").AtName("list").AtListIndex(1).AtName("name"), "name it.")
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{"write x": "Write x.", "Why?": "Why?", "": "", "done.": "Done.", `"a" is wrong`: `"a" is wrong.`, "production/web/1 runs": "production/web/1 runs.", "on_no_data is odd": "on_no_data is odd."} {
		if got := diagnostics.Sentence(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAsError(t *testing.T) {
	var diags diag.Diagnostics
	diags.AddWarning("Odd", "but fine")
	if err := diagnostics.AsError(diags); err != nil {
		t.Errorf("got %v for a warning", err)
	}
	diags.AddAttributeError(path.Root("pause"), "Invalid Duration", "Write 5m.")
	diags.AddError("Broken", "Whole.")
	if err := diagnostics.AsError(diags); err == nil || err.Error() != "pause: Invalid Duration: Write 5m.\nBroken: Whole." {
		t.Errorf("got %v", err)
	}
}

type lookup map[string]string

func (l lookup) Lookup(name string) (string, error) {
	if value, found := l[name]; found {
		return value, nil
	}
	return "", errors.New("there is no " + name)
}

func TestCredential(t *testing.T) {
	var diags diag.Diagnostics
	at := path.Root("password")
	diagnostics.Credential(nil, at, "a", &diags)
	diagnostics.Credential(lookup{"a": "hidden"}, at, "a", &diags)
	if len(diags) > 0 {
		t.Errorf("got %v, want silence", diags)
	}
	diagnostics.Credential(lookup{"a": "hidden"}, at, "b", &diags)
	configtest.WantOne(t, diags, at, "There is no b.")
	if strings.Contains(diags[0].Detail(), "hidden") {
		t.Error("a secret is in the diagnostic")
	}
}

func TestErrorsOfTheEngineBeginWithACapital(t *testing.T) {
	for what, want := range map[string]string{"there is no room": "There is no room.", "production/web/1-0 is gone": "production/web/1-0 is gone."} {
		var diags diag.Diagnostics
		diagnostics.AddError(t.Context(), &diags, nil, "Failed", &delivery.Error{Summary: "Preflight Failed", What: what})
		configtest.WantOne(t, diags, path.Empty(), want)
		if !strings.HasPrefix(diags[0].Detail(), want) {
			t.Errorf("got %q", diags[0].Detail())
		}
	}
}
