package arguments

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"
)

var testSchema = schema.Schema{Attributes: map[string]schema.Attribute{
	"pause":  schema.StringAttribute{Optional: true},
	"margin": schema.Float64Attribute{Optional: true},
	"steps": schema.ListNestedAttribute{Optional: true, NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
		"weight": schema.Int64Attribute{Required: true},
		"pause":  schema.StringAttribute{Optional: true},
	}}},
	"config":  schema.MapAttribute{Optional: true, ElementType: types.StringType},
	"attempt": schema.Int64Attribute{Computed: true},
}}

func testType(t testing.TB) tftypes.Object {
	t.Helper()
	typ, ok := testSchema.Type().TerraformType(t.Context()).(tftypes.Object)
	if !ok {
		t.Fatal("a schema's type is not an object")
	}
	return typ
}

// terraformNumber is a number as Terraform sends it.
func terraformNumber(t testing.TB, text string) *big.Float {
	t.Helper()
	f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestArgumentsComeBackAsWritten(t *testing.T) {
	typ := testType(t)
	step := typ.AttributeTypes["steps"].(tftypes.List).ElementType //nolint:forcetypeassert // the schema above says so
	written := tftypes.NewValue(typ, map[string]tftypes.Value{
		"pause":  tftypes.NewValue(tftypes.String, "300s"),
		"margin": tftypes.NewValue(tftypes.Number, terraformNumber(t, "0.01")),
		"steps": tftypes.NewValue(typ.AttributeTypes["steps"], []tftypes.Value{tftypes.NewValue(step, map[string]tftypes.Value{
			"weight": tftypes.NewValue(tftypes.Number, 5), "pause": tftypes.NewValue(tftypes.String, nil),
		})}),
		"config": tftypes.NewValue(typ.AttributeTypes["config"], map[string]tftypes.Value{
			"SET": tftypes.NewValue(tftypes.String, ""), "UNSET": tftypes.NewValue(tftypes.String, nil),
		}),
		"attempt": tftypes.NewValue(tftypes.Number, nil),
	})
	encoded, err := Encode(testSchema, written)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := Decode(t.Context(), testSchema, encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !decoded.Equal(written) {
		t.Errorf("got %s\nfrom %s\nwant %s", decoded, encoded, written)
	}
}

func TestComputedAndUnknownAreLeftOut(t *testing.T) {
	typ := testType(t)
	values := map[string]tftypes.Value{}
	for name, attribute := range typ.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	values["attempt"] = tftypes.NewValue(tftypes.Number, 7)
	values["pause"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	encoded, err := Encode(testSchema, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}
	if string(encoded) != "{}" {
		t.Errorf("got %s, want nothing", encoded)
	}
}

func TestDecodeForgives(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              ``,
		"null":                 `null`,
		"unknown attribute":    `{"pause":"5m","later":{"deep":[1,true]}}`,
		"another type":         `{"pause":"5m","steps":"none","margin":{"a":1},"config":[1]}`,
		"missing nested":       `{"pause":"5m","steps":[{"weight":5}]}`,
		"null element":         `{"pause":"5m","config":{"A":null}}`,
		"more in a nested one": `{"pause":"5m","steps":[{"weight":5,"colour":"red"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			value, err := Decode(t.Context(), testSchema, json.RawMessage(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := testSchema.Type().ValueFromTerraform(t.Context(), value); err != nil {
				t.Errorf("the value does not fit the schema: %v", err)
			}
		})
	}
	if _, err := Decode(t.Context(), testSchema, json.RawMessage(`{"pause":`)); err == nil {
		t.Error("half a JSON value was accepted")
	}
	if _, err := Decode(t.Context(), testSchema, json.RawMessage(`{} {}`)); err == nil {
		t.Error("two JSON values were accepted")
	}
}

func TestEveryValueComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := anyType(t, 3)
		value := anyValue(t, typ)
		plain, err := toPlain(value)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		read, err := readPlain(encoded)
		if err != nil {
			t.Fatal(err)
		}
		back, err := fromPlain(typ, read)
		if err != nil {
			t.Fatal(err)
		}
		if !back.Equal(value) {
			t.Fatalf("got %s\nfrom %s\nwant %s", back, encoded, value)
		}
	})
}

func anyType(t *rapid.T, depth int) tftypes.Type {
	kinds := []string{"string", "number", "bool"}
	if depth > 0 {
		kinds = append(kinds, "list", "set", "map", "object", "tuple")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "string":
		return tftypes.String
	case "number":
		return tftypes.Number
	case "bool":
		return tftypes.Bool
	case "list":
		return tftypes.List{ElementType: anyType(t, depth-1)}
	case "set":
		return tftypes.Set{ElementType: anyType(t, depth-1)}
	case "map":
		return tftypes.Map{ElementType: anyType(t, depth-1)}
	case "object":
		types := map[string]tftypes.Type{}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 3, rapid.ID).Draw(t, "names") {
			types[name] = anyType(t, depth-1)
		}
		return tftypes.Object{AttributeTypes: types}
	default:
		types := make([]tftypes.Type, rapid.IntRange(0, 2).Draw(t, "length"))
		for i := range types {
			types[i] = anyType(t, depth-1)
		}
		return tftypes.Tuple{ElementTypes: types}
	}
}

func anyValue(t *rapid.T, typ tftypes.Type) tftypes.Value {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return tftypes.NewValue(typ, nil)
	}
	many := func(element func(int) tftypes.Type, n int) []tftypes.Value {
		values := make([]tftypes.Value, n)
		for i := range values {
			values[i] = anyValue(t, element(i))
		}
		return values
	}
	length := func() int { return rapid.IntRange(0, 3).Draw(t, "length") }
	switch typ := typ.(type) {
	case tftypes.List:
		return tftypes.NewValue(typ, many(func(int) tftypes.Type { return typ.ElementType }, length()))
	case tftypes.Set:
		return tftypes.NewValue(typ, many(func(int) tftypes.Type { return typ.ElementType }, rapid.IntRange(0, 1).Draw(t, "length")))
	case tftypes.Tuple:
		return tftypes.NewValue(typ, many(func(i int) tftypes.Type { return typ.ElementTypes[i] }, len(typ.ElementTypes)))
	case tftypes.Map:
		values := map[string]tftypes.Value{}
		for _, key := range rapid.SliceOfNDistinct(rapid.String(), 0, 3, rapid.ID).Draw(t, "keys") {
			values[key] = anyValue(t, typ.ElementType)
		}
		return tftypes.NewValue(typ, values)
	case tftypes.Object:
		values := map[string]tftypes.Value{}
		for name, attribute := range typ.AttributeTypes {
			values[name] = anyValue(t, attribute)
		}
		return tftypes.NewValue(typ, values)
	}
	switch {
	case typ.Is(tftypes.Bool):
		return tftypes.NewValue(typ, rapid.Bool().Draw(t, "bool"))
	case typ.Is(tftypes.Number):
		text := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?`).Draw(t, "number")
		f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		return tftypes.NewValue(typ, f)
	}
	return tftypes.NewValue(typ, rapid.String().Draw(t, "string"))
}
