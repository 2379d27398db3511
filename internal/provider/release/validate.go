package release

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// validate decides what the configuration alone can tell; it is silent on what is not known yet.
func validate(ctx context.Context, m model) diag.Diagnostics {
	c, _, diags := content.ToContent(ctx, m.Content)
	if text, known := plain.Known(m.Checkpoint); known && text == "" {
		diags.AddAttributeError(path.Root("checkpoint"), "Invalid Value",
			"\"\" is not the id of a checkpoint: write deploy_checkpoint.<name>.id; or leave it out, and the release records one itself, without data.")
	}
	if m.Content.IsUnknown() || m.Content.IsNull() || diags.HasError() {
		return diags
	}
	problems := c.Validate()
	content.RefuseNulls(ctx, path.Root("content"), m.Content, &diags)
	content.Platforms.ExactlyOne(path.Root("content"), m.Content, &diags)
	diags.Append(diagnostics.Located(ctx, path.Root("content"), m.Content, problems)...)
	health := m.toHealth(ctx, &diags)
	if !m.Health.IsUnknown() && !m.Health.IsNull() {
		diags.Append(diagnostics.Located(ctx, path.Root("health"), m.Health, healthProblems(health))...)
	}
	return diags
}

func healthProblems(h service.Health) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	if h.HTTP != nil {
		if !strings.HasPrefix(h.HTTP.Path, "/") {
			add(fmt.Sprintf("%q is not a path: begin it with a slash, such as /healthz", h.HTTP.Path), "http", "path")
		}
		for i, status := range h.HTTP.Status {
			if status < 100 || status > 599 {
				add(fmt.Sprintf("%d is not a status of HTTP: use 100 to 599", status), "http", "status", fmt.Sprint(i))
			}
		}
	}
	for i, pattern := range h.DenyLogs {
		if _, err := regexp.Compile(pattern); err != nil {
			add(fmt.Sprintf("%q is not a regular expression (RE2): %s", pattern, err), "deny_logs", fmt.Sprint(i))
		}
	}
	if h.MinHealthyTime > h.HealthyDeadline {
		add(fmt.Sprintf("%s is longer than healthy_deadline, %s, so no instance could become healthy in time: shorten it, or raise the deadline",
			h.MinHealthyTime, h.HealthyDeadline), "min_healthy_time")
	}
	return problems
}
