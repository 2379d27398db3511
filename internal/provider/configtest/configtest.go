// Package configtest makes configurations for tests of schemas and models.
package configtest

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Unknown stands, as a string, for a value of any type that is not known yet.
const Unknown = "<unknown>"

// Value reads JSON as a value of a type. Attributes that are left out are null.
func Value(t testing.TB, typ attr.Type, text string) attr.Value {
	t.Helper()
	value, err := typ.ValueFromTerraform(t.Context(), raw(t, typ.TerraformType(t.Context()), text))
	if err != nil {
		t.Fatalf("make a value of %s: %v", text, err)
	}
	return value
}

// Model reads JSON as the configuration of a resource with this schema, into the resource's model, and wants the model
// to come to the same configuration again.
func Model[M any](t testing.TB, s schema.Schema, text string) M {
	t.Helper()
	config := tfsdk.Config{Schema: s, Raw: raw(t, s.Type().TerraformType(t.Context()), text)}
	var model M
	if diags := config.Get(t.Context(), &model); diags.HasError() {
		t.Fatalf("read %s into the model: %v", text, diags)
	}
	state := tfsdk.State{Schema: s, Raw: tftypes.NewValue(config.Raw.Type(), nil)}
	if diags := state.Set(t.Context(), model); diags.HasError() || !state.Raw.Equal(config.Raw) {
		t.Fatalf("the model of %s is written as %s: %v", text, state.Raw, diags)
	}
	return model
}

func raw(t testing.TB, typ tftypes.Type, text string) tftypes.Value {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatalf("read %s: %v", text, err)
	}
	return build(t, typ, decoded)
}

func build(t testing.TB, typ tftypes.Type, value any) tftypes.Value {
	t.Helper()
	if value == nil {
		return tftypes.NewValue(typ, nil)
	}
	if value == any(Unknown) {
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		return object(t, typ, as[map[string]any](t, value))
	case tftypes.Map:
		elements := map[string]tftypes.Value{}
		for key, element := range as[map[string]any](t, value) {
			elements[key] = build(t, typ.ElementType, element)
		}
		return tftypes.NewValue(typ, elements)
	case tftypes.List:
		elements := []tftypes.Value{}
		for _, element := range as[[]any](t, value) {
			elements = append(elements, build(t, typ.ElementType, element))
		}
		return tftypes.NewValue(typ, elements)
	}
	if number, is := value.(json.Number); is {
		parsed, _, err := big.ParseFloat(number.String(), 10, 512, big.ToNearestEven)
		if err != nil {
			t.Fatalf("read the number %s: %v", number, err)
		}
		value = parsed
	}
	return tftypes.NewValue(typ, value)
}

func object(t testing.TB, typ tftypes.Object, given map[string]any) tftypes.Value {
	t.Helper()
	attributes := map[string]tftypes.Value{}
	for name, attribute := range typ.AttributeTypes {
		attributes[name] = build(t, attribute, given[name])
	}
	for name := range given {
		if _, found := attributes[name]; !found {
			t.Fatalf("there is no attribute %q", name)
		}
	}
	return tftypes.NewValue(typ, attributes)
}

func as[T any](t testing.TB, value any) T {
	t.Helper()
	typed, is := value.(T)
	if !is {
		t.Fatalf("%v is not of the wanted type", value)
	}
	return typed
}

// WantOne wants diags to be one error, at an attribute, whose detail contains detail.
func WantOne(t testing.TB, diags diag.Diagnostics, at path.Path, detail string) {
	t.Helper()
	if len(diags) != 1 || diags[0].Severity() != diag.SeverityError {
		t.Fatalf("got %v, want one error", diags)
	}
	placed := path.Empty()
	if d, is := diags[0].(diag.DiagnosticWithPath); is {
		placed = d.Path()
	}
	if !placed.Equal(at) || !strings.Contains(diags[0].Detail(), detail) {
		t.Errorf("got %v, want an error at %q with %q", diags[0], at, detail)
	}
}
