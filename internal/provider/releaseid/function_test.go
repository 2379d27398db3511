package releaseid_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/releaseid"
)

const reference = "file:dist/web.tar.gz@sha256:5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b"

func call(t *testing.T, service string, content attr.Value) (types.String, *function.FuncError) {
	t.Helper()
	resp := function.RunResponse{Result: function.NewResultData(types.StringUnknown())}
	releaseid.New().Run(t.Context(), function.RunRequest{
		Arguments: function.NewArgumentsData([]attr.Value{types.StringValue(service), types.DynamicValue(content)}),
	}, &resp)
	id, _ := resp.Result.Value().(types.String)
	return id, resp.Error
}

func object(attributes map[string]attr.Value) attr.Value {
	kinds := map[string]attr.Type{}
	for name, value := range attributes {
		kinds[name] = value.Type(context.Background())
	}
	return types.ObjectValueMust(kinds, attributes)
}

func tuple(elements ...attr.Value) attr.Value {
	kinds := make([]attr.Type, len(elements))
	for i, value := range elements {
		kinds[i] = value.Type(context.Background())
	}
	return types.TupleValueMust(kinds, elements)
}

func text(s string) attr.Value { return types.StringValue(s) }

// Ids must stay the same from version to version of the provider: a change here would make every release of every user
// another one.
func TestGoldenIDs(t *testing.T) {
	for id, content := range map[string]map[string]attr.Value{
		"production/web/1.8.2-9a89b0e1": {"version": text("1.8.2")},
		"production/web/1.8.2-1a074b43": {
			"version": text("1.8.2"), "artifact": text(reference), "host": object(map[string]attr.Value{"command": tuple(text("./web"))}),
		},
		"production/web/1.8.2-05ffc6bf": {
			"version": text("1.8.2"), "artifact": text(reference), "host": object(map[string]attr.Value{"command": tuple(text("./web"), text("-v"))}),
			"config":  object(map[string]attr.Value{"LOG_LEVEL": text("info"), "WORKERS": types.Int64Value(4), "TRACE": types.BoolValue(true)}),
			"secrets": object(map[string]attr.Value{"DATABASE_PASSWORD": text("orders_db")}), "restart": text("again"),
		},
	} {
		got, err := call(t, "production/web", object(content))
		if err != nil {
			t.Errorf("%s: %s", id, err)
		} else if got.ValueString() != id {
			t.Errorf("got %s, want %s", got.ValueString(), id)
		}
	}
}

func TestSameContentSameID(t *testing.T) {
	base := func() map[string]attr.Value {
		return map[string]attr.Value{
			"version": text("1.8.2"), "artifact": text(reference), "config": object(map[string]attr.Value{"WORKERS": text("4"), "RATIO": text("0.5")}),
			"host": object(map[string]attr.Value{"command": tuple(text("./web"), text("8"))}),
		}
	}
	want, err := call(t, "production/web", object(base()))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]attr.Value){
		"numbers": func(c map[string]attr.Value) {
			c["config"] = object(map[string]attr.Value{"WORKERS": types.Int64Value(4), "RATIO": types.Float64Value(0.5)})
		},
		"a map": func(c map[string]attr.Value) {
			c["config"] = types.MapValueMust(types.StringType, map[string]attr.Value{"WORKERS": text("4"), "RATIO": text("0.5")})
		},
		"a list": func(c map[string]attr.Value) {
			c["host"] = object(map[string]attr.Value{"command": types.ListValueMust(types.StringType, []attr.Value{text("./web"), text("8")})})
		},
		"number in a tuple": func(c map[string]attr.Value) {
			c["host"] = object(map[string]attr.Value{"command": tuple(text("./web"), types.Int64Value(8))})
		},
		"null secrets":  func(c map[string]attr.Value) { c["secrets"] = types.MapNull(types.StringType) },
		"empty secrets": func(c map[string]attr.Value) { c["secrets"] = object(nil) },
		"null restart":  func(c map[string]attr.Value) { c["restart"] = types.StringNull() },
		"empty restart": func(c map[string]attr.Value) { c["restart"] = text("") },
		"null in config": func(c map[string]attr.Value) {
			c["config"] = object(map[string]attr.Value{"WORKERS": text("4"), "RATIO": text("0.5"), "UNSET": types.StringNull()})
		},
		"another path": func(c map[string]attr.Value) {
			c["artifact"] = text(strings.Replace(reference, "dist", "elsewhere", 1))
		},
	} {
		content := base()
		change(content)
		got, err := call(t, "production/web", object(content))
		if err != nil {
			t.Errorf("%s: %s", name, err)
		} else if !got.Equal(want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestOtherContentOtherID(t *testing.T) {
	want, err := call(t, "production/web", object(map[string]attr.Value{"version": text("1.8.2")}))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]map[string]attr.Value{
		"version": {"version": text("1.8.3")},
		"config":  {"version": text("1.8.2"), "config": object(map[string]attr.Value{"A": text("")})},
		"restart": {"version": text("1.8.2"), "restart": text("1")},
	} {
		got, err := call(t, "production/web", object(content))
		if err != nil || got.Equal(want) {
			t.Errorf("%s: got %s (%v), the same as without", name, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	version := text("1.8.2")
	for name, test := range map[string]struct {
		service string
		content attr.Value
		want    string
	}{
		"unknown key":     {"production/web", object(map[string]attr.Value{"version": version, "confg": text("x")}), "confg is not part of a content: it has version, artifact, config, secrets, host, kubernetes, restart"},
		"two platforms":   {"production/web", object(map[string]attr.Value{"version": version, "host": object(map[string]attr.Value{"command": tuple(text("./web"))}), "kubernetes": object(map[string]attr.Value{})}), "exactly one of: host, kubernetes; here host and kubernetes are set"},
		"kubernetes":      {"production/web", object(map[string]attr.Value{"version": version, "kubernetes": object(map[string]attr.Value{"manifest": text("x")})}), "kubernetes is not in this version of the provider; use host"},
		"key of host":     {"production/web", object(map[string]attr.Value{"version": version, "host": object(map[string]attr.Value{"cmd": text("x")})}), "host.cmd is not part of a content: it has command"},
		"no version":      {"production/web", object(map[string]attr.Value{}), "version"},
		"not an object":   {"production/web", text("1.8.2"), "the content is an object"},
		"list for a map":  {"production/web", object(map[string]attr.Value{"version": version, "config": tuple(text("A"))}), "config"},
		"not a service":   {"web", object(map[string]attr.Value{"version": version}), "is not a service's id"},
		"secret in twice": {"production/web", object(map[string]attr.Value{"version": version, "config": object(map[string]attr.Value{"A": text("1")}), "secrets": object(map[string]attr.Value{"A": text("a")})}), "keep one of them"},
	} {
		if _, err := call(t, test.service, test.content); err == nil || !strings.Contains(strings.ToLower(err.Text), strings.ToLower(test.want)) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestUnknownContentUnknownID(t *testing.T) {
	id, err := call(t, "production/web", object(map[string]attr.Value{"version": text("1.8.2"), "artifact": types.StringUnknown()}))
	if err != nil || !id.IsUnknown() {
		t.Errorf("got %s (%v), want unknown", id, err)
	}
}

// Terraform hands the number -0 to a function as 0, and to a resource as the text "-0".
func TestMinusZeroIsZero(t *testing.T) {
	id := func(zero string) string {
		got, err := call(t, "production/web", object(map[string]attr.Value{"version": text("1.8.2"), "config": object(map[string]attr.Value{"A": text(zero)})}))
		if err != nil {
			t.Fatal(err)
		}
		return got.String()
	}
	if id("-0") != id("0") || id("-0") == id("1") {
		t.Errorf("got %s and %s", id("-0"), id("0"))
	}
}
