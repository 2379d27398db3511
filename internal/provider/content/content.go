// Package content is what a release is, as users write it: in deploy_release, and for the function release_id, which must
// come to the same id before the release exists.
package content

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// model of the nested object.
type model struct {
	Version  types.String `tfsdk:"version"`
	Artifact types.String `tfsdk:"artifact"`
	Config   types.Map    `tfsdk:"config"`
	Secrets  types.Map    `tfsdk:"secrets"`
	Host     types.Object `tfsdk:"host"`
	// Kubernetes is to come: it is refused where a configuration is validated.
	Kubernetes types.Object `tfsdk:"kubernetes"`
	Restart    types.String `tfsdk:"restart"`
}

type hostModel struct {
	Command types.List `tfsdk:"command"`
}

// Platforms are what a content can be for.
var Platforms = choice.Of{Names: []string{"host", "kubernetes"}, ToCome: []string{"kubernetes"}, Example: `host = { command = ["./web"] }`}

// Attribute is the schema of the argument `content`.
func Attribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Required:            true,
		MarkdownDescription: "What the release is. Its id follows from it: other content is another release. How it is introduced (health, checks, steps) is no part of it.",
		Attributes: map[string]schema.Attribute{
			"version": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Version for people, such as `1.8.2`.",
			},
			"artifact": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "What to run: `data.deploy_artifact.<name>.reference`. Only its digest is part of the release's id.",
			},
			"config": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Environment of the release, as variables. Not for secrets. `PORT` and `DEPLOY_…` are set by the platform. Systemd passes on UTF-8 without control characters other than tabs and line feeds, and without code points such as U+FFFE: what it does not is refused in the plan.",
			},
			"secrets": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "More variables, each with the name of a credential of the provider, never with its value.",
			},
			"host": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "How it runs on platform `host`.",
				Attributes: map[string]schema.Attribute{
					"command": schema.ListAttribute{
						Required: true, ElementType: types.StringType,
						MarkdownDescription: "Program and arguments, started in the release's directory, without a shell: `[\"./web\"]`.",
					},
				},
			},
			"kubernetes": choice.ToCome("How it runs on platform `kubernetes`.", map[string]schema.Attribute{
				"manifest": choice.Text("Manifests of the release, as YAML."),
			}),
			"restart": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Free text: another value makes another release of the same content, which runs it anew.",
			},
		},
	}
}

// ToContent reads the nested object; known is false while something of it is not known, then content has what is.
func ToContent(ctx context.Context, object types.Object) (c service.Content, known bool, diags diag.Diagnostics) {
	m, found := plain.Object[model](ctx, object, &diags)
	if !found {
		return c, false, diags
	}
	c = service.Content{
		Version: m.Version.ValueString(), Artifact: m.Artifact.ValueString(), Config: present(m.Config), Secrets: present(m.Secrets),
		Restart: m.Restart.ValueString(),
	}
	if host, found := plain.Object[hostModel](ctx, m.Host, &diags); found {
		c.Host = &service.HostContent{Command: plain.Strings(host.Command)}
	}
	return c, plain.IsKnown(ctx, object), diags
}

// RefuseNulls refuses arguments of the command that are nothing, in a content that stands at root.
func RefuseNulls(ctx context.Context, root path.Path, object types.Object, diags *diag.Diagnostics) {
	m, found := plain.Object[model](ctx, object, diags)
	if !found {
		return
	}
	host, _ := plain.Object[hostModel](ctx, m.Host, diags)
	for i, element := range host.Command.Elements() {
		if element.IsNull() {
			diags.AddAttributeError(root.AtName("host").AtName("command").AtListIndex(i), "Invalid Value", "An argument of the command is null: write it as text, or leave it out.")
		}
	}
}

// present leaves out what is null: a variable without a value is one that is not there.
func present(m types.Map) map[string]string {
	var kept map[string]string
	for key, value := range m.Elements() {
		text, ok := value.(types.String)
		if !ok || text.IsNull() {
			continue
		}
		if kept == nil {
			kept = map[string]string{}
		}
		kept[key] = text.ValueString()
	}
	return kept
}

// FromContent is the nested object as a data source shows it.
func FromContent(ctx context.Context, c service.Content) (types.Object, diag.Diagnostics) {
	var diags diag.Diagnostics
	collect := func(value attr.Value, more diag.Diagnostics) attr.Value {
		diags.Append(more...)
		return value
	}
	host := types.ObjectNull(hostTypes)
	if c.Host != nil {
		command, more := types.ListValueFrom(ctx, types.StringType, c.Host.Command)
		diags.Append(more...)
		host, more = types.ObjectValue(hostTypes, map[string]attr.Value{"command": command})
		diags.Append(more...)
	}
	object, more := types.ObjectValue(Types, map[string]attr.Value{
		"version": types.StringValue(c.Version), "artifact": orNull(c.Artifact), "restart": orNull(c.Restart), "host": host,
		"config":  collect(types.MapValueFrom(ctx, types.StringType, orEmpty(c.Config))),
		"secrets": collect(types.MapValueFrom(ctx, types.StringType, orEmpty(c.Secrets))),
	})
	diags.Append(more...)
	return object, diags
}

var hostTypes = map[string]attr.Type{"command": types.ListType{ElemType: types.StringType}}

// Types of the nested object's attributes.
var Types = map[string]attr.Type{
	"version": types.StringType, "artifact": types.StringType, "restart": types.StringType,
	"config": types.MapType{ElemType: types.StringType}, "secrets": types.MapType{ElemType: types.StringType},
	"host": types.ObjectType{AttrTypes: hostTypes},
}

func orNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
