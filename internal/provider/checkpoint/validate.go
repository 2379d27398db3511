package checkpoint

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/backup"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
)

// A backup's name becomes a directory's.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// validate says what is wrong with the backups, on the attributes concerned. What may come of something that is not known
// yet is left for later.
func validate(ctx context.Context, m model) diag.Diagnostics {
	var diags diag.Diagnostics
	elements := m.Backups.Elements()
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		at, element := path.Root("backups").AtMapKey(name), elements[name]
		if !namePattern.MatchString(name) {
			diags.AddAttributeError(at, "Invalid Value",
				fmt.Sprintf("%q is not a name for a backup: use letters, digits, dots, underscores and hyphens, beginning with a letter or digit.", name))
		}
		if element.IsNull() {
			diags.AddAttributeError(at, "Invalid Value", "A backup needs exactly one of files, command; remove it where none is wanted.")
			continue
		}
		// The durations that cannot be read are the validators' to report.
		var unread diag.Diagnostics
		definition := toBackup(ctx, at, element, &unread)
		if !unread.HasError() {
			diags.Append(diagnostics.Located(ctx, at, element, backup.Validate(definition))...)
		}
	}
	return diags
}

// resolve refuses, at the attribute that names it, each credential that the provider does not have.
func resolve(ctx context.Context, backups types.Map, credentials delivery.Credentials) diag.Diagnostics {
	var diags, unread diag.Diagnostics
	if credentials == nil {
		return diags
	}
	elements := backups.Elements()
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		at := path.Root("backups").AtMapKey(name)
		definition := toBackup(ctx, at, elements[name], &unread)
		if definition.Command == nil {
			continue
		}
		for _, variable := range slices.Sorted(maps.Keys(definition.Command.Secrets)) {
			if credential := definition.Command.Secrets[variable]; credential != "" {
				diagnostics.Credential(credentials, at.AtName("command").AtName("secrets").AtMapKey(variable), credential, &diags)
			}
		}
	}
	return diags
}
