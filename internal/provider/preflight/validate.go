package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	goversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const invalid = "Invalid Value"

// parts of a preflight that can be skipped as a whole.
var parts = []string{"window", "requires", "health", "checks"}

func validate(ctx context.Context, m model) diag.Diagnostics {
	diags := checks.Validate(ctx, path.Root("checks"), m.Checks)
	validateContent(ctx, m, &diags)
	validateRequires(ctx, m, &diags)
	validateWindow(ctx, m, &diags)
	validateOverride(ctx, m, &diags)
	return diags
}

func validateRequires(ctx context.Context, m model, diags *diag.Diagnostics) {
	requires, found := plain.Object[requiresModel](ctx, m.Requires, diags)
	if !found {
		return
	}
	root := path.Root("requires")
	services := requires.Services.Elements()
	for _, id := range slices.Sorted(maps.Keys(services)) {
		at := root.AtName("services").AtMapKey(id)
		if _, err := service.ParseID(id); err != nil {
			diags.AddAttributeError(at, invalid, diagnostics.Sentence(err.Error()))
			continue
		}
		if constraint, known := plain.Known(services[id]); known {
			if _, err := goversion.NewConstraint(constraint); err != nil {
				diags.AddAttributeError(at, invalid, fmt.Sprintf("%q is not a constraint on versions: write it like \">= 2.3.0\" or \">= 2.3.0, < 3.0.0\".", constraint))
			}
		}
	}
	validateConfig(ctx, m, requires, diags)
}

// validateConfig looks for the required keys in the content, where it is given and known. Where it is not, the release's stage asks
// before it touches anything: the ledger keeps what the preflight requires.
func validateConfig(ctx context.Context, m model, requires requiresModel, diags *diag.Diagnostics) {
	at := path.Root("requires").AtName("config")
	if m.Content.IsNull() || m.Content.IsUnknown() || m.Content.Attributes()["config"].IsUnknown() {
		return
	}
	c, _, _ := content.ToContent(ctx, m.Content)
	for i, element := range requires.Config.Elements() {
		key, known := plain.Known(element)
		if _, found := c.Config[key]; known && !found {
			diags.AddAttributeError(at.AtListIndex(i), "Configuration Missing",
				fmt.Sprintf("%s is not in the content's config: add it there, or require it no more.", key))
		}
	}
}

// validateContent refuses the content of another release. What is wrong with a content in itself deploy_release says.
func validateContent(ctx context.Context, m model, diags *diag.Diagnostics) {
	release, told := plain.Known(m.Release)
	c, known, failures := content.ToContent(ctx, m.Content)
	diags.Append(failures...)
	if !told || !known {
		return
	}
	if id := c.ReleaseID(service.ReleaseID(release).Service()); string(id) != release {
		diags.AddAttributeError(path.Root("content"), "Content Of Another Release",
			fmt.Sprintf("This is the content of %s, and release is %s: set release = provider::deploy::release_id(service, content) of the same content.", id, release))
	}
}

// validateWindow looks at each time by itself, so that the error lies where the typo is.
func validateWindow(ctx context.Context, m model, diags *diag.Diagnostics) {
	window, found := plain.Object[windowModel](ctx, m.Window, diags)
	if !found {
		return
	}
	root := path.Root("window")
	complain := func(at path.Path, attribute string, w delivery.Window) {
		if err := w.Validate()[attribute]; err != nil {
			diags.AddAttributeError(at, invalid, diagnostics.Sentence(err.Error()))
		}
	}
	for i, element := range window.Allow.Elements() {
		if allow, known := plain.Known(element); known {
			complain(root.AtName("allow").AtListIndex(i), "allow", delivery.Window{Allow: []string{allow}})
		}
	}
	for i, element := range window.Freezes.Elements() {
		if freeze, known := plain.Known(element); known {
			complain(root.AtName("freezes").AtListIndex(i), "freezes", delivery.Window{Freezes: []string{freeze}})
		}
	}
	if zone, known := plain.Known(window.Timezone); known {
		if zone == "Local" {
			diags.AddAttributeError(root.AtName("timezone"), invalid, "Local is another time zone on every machine: use an IANA name such as Europe/Amsterdam.")
		}
		complain(root.AtName("timezone"), "timezone", delivery.Window{Timezone: zone})
	}
	if !window.Allow.IsNull() && !window.Allow.IsUnknown() && len(window.Allow.Elements()) == 0 {
		diags.AddAttributeError(root.AtName("allow"), invalid, "It allows no time at all: write times of the week, such as \"Mon-Thu 09:00-16:00\"; or leave `allow` out, which is always.")
	}
	if window.Allow.IsNull() && window.Freezes.IsNull() {
		diags.AddAttributeError(root, invalid, "A window needs at least one of allow, freezes: without them it is always open; remove it if that is meant.")
	}
}

func validateOverride(ctx context.Context, m model, diags *diag.Diagnostics) {
	override, found := plain.Object[overrideModel](ctx, m.Override, diags)
	if !found {
		return
	}
	root := path.Root("override")
	if reason, known := plain.Known(override.Reason); known && strings.TrimSpace(reason) == "" {
		diags.AddAttributeError(root.AtName("reason"), invalid, "Say why, such as the number of the incident: it goes into the ledger and the notification.")
	}
	if !override.Skip.IsUnknown() && len(override.Skip.Elements()) == 0 {
		diags.AddAttributeError(root.AtName("skip"), invalid, "It skips nothing: name "+choices(nil)+"; or remove the override.")
	}
	if m.Checks.IsUnknown() {
		return
	}
	names := slices.Sorted(maps.Keys(m.Checks.Elements()))
	for i, element := range override.Skip.Elements() {
		if what, known := plain.Known(element); known && !slices.Contains(parts, what) && !slices.Contains(names, what) {
			diags.AddAttributeError(root.AtName("skip").AtListIndex(i), invalid, fmt.Sprintf("%q is nothing that can be skipped: name %s.", what, choices(names)))
		}
	}
}

func choices(names []string) string {
	text := "any of " + strings.Join(parts, ", ")
	if len(names) > 0 {
		text += ", or one of the checks " + strings.Join(names, ", ")
	}
	return text
}
