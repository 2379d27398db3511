package plain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

var typ = types.ObjectType{AttrTypes: map[string]attr.Type{
	"list":    types.ListType{ElemType: types.StringType},
	"numbers": types.ListType{ElemType: types.Int64Type},
	"map":     types.MapType{ElemType: types.StringType},
	"count":   types.Int64Type,
	"share":   types.Float64Type,
	"text":    types.StringType,
	"on":      types.BoolType,
}}

type model struct {
	List    types.List    `tfsdk:"list"`
	Numbers types.List    `tfsdk:"numbers"`
	Map     types.Map     `tfsdk:"map"`
	Count   types.Int64   `tfsdk:"count"`
	Share   types.Float64 `tfsdk:"share"`
	Text    types.String  `tfsdk:"text"`
	On      types.Bool    `tfsdk:"on"`
}

type values struct {
	List    []string
	Numbers []int
	Map     map[string]string
	Count   int
	Share   *float64
	Text    *string
	On      bool
}

func TestPlain(t *testing.T) {
	half, word := 0.5, "word"
	for text, want := range map[string]values{
		`{}`: {Count: 7, On: true},
		`{"list": "<unknown>", "numbers": "<unknown>", "map": "<unknown>", "count": "<unknown>", "share": "<unknown>", "text": "<unknown>", "on": "<unknown>"}`: {Count: 7, On: true},
		`{"list": ["a", "<unknown>", "b"], "numbers": [1, 2], "map": {"k": "v", "u": "<unknown>"}, "count": 0, "share": 0.5, "text": "word", "on": false}`: {
			List: []string{"a", "", "b"}, Numbers: []int{1, 2}, Map: map[string]string{"k": "v", "u": ""}, Share: &half, Text: &word,
		},
	} {
		object, _ := configtest.Value(t, typ, text).(types.Object)
		var diags diag.Diagnostics
		m, found := plain.Object[model](t.Context(), object, &diags)
		if !found || diags.HasError() {
			t.Fatalf("%s cannot be read: %v", text, diags)
		}
		got := values{plain.Strings(m.List), plain.Ints(m.Numbers), plain.StringMap(m.Map), plain.Int(m.Count, 7), plain.Float(m.Share), plain.Text(m.Text), plain.Bool(m.On, true)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

func TestObjectThatIsNotThere(t *testing.T) {
	for _, text := range []string{`null`, `"<unknown>"`} {
		object, _ := configtest.Value(t, typ, text).(types.Object)
		var diags diag.Diagnostics
		if _, found := plain.Object[model](t.Context(), object, &diags); found || diags.HasError() {
			t.Errorf("%s: found %v, %v", text, found, diags)
		}
	}
}

func TestKnown(t *testing.T) {
	for _, value := range []attr.Value{nil, types.StringNull(), types.StringUnknown(), types.Int64Value(1)} {
		if text, known := plain.Known(value); known {
			t.Errorf("%v is known as %q", value, text)
		}
	}
	if text, known := plain.Known(types.StringValue("")); !known || text != "" {
		t.Error("an empty string is a known one")
	}
}
