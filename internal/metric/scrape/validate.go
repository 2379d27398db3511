package scrape

import (
	"net/url"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Validate lists what is wrong with d; paths are relative to it. What is empty has a default, and is right.
func Validate(d service.ScrapeMetrics) []service.Problem {
	var problems []service.Problem
	add := func(attribute, detail string) {
		problems = append(problems, service.Problem{Path: []string{attribute}, Detail: detail})
	}
	if d.Path != "" {
		if _, err := url.Parse(d.Path); err != nil || !strings.HasPrefix(d.Path, "/") || strings.HasPrefix(d.Path, "//") {
			add("path", `must be a path of the instances, such as "/metrics"`)
		}
	}
	if d.Port < 0 || d.Port > 65535 {
		add("port", "must be from 1 to 65535, or 0 for the port of each instance")
	}
	for attribute, name := range map[string]string{"requests": d.Requests, "duration": d.Duration} {
		if name != "" && !model.UTF8Validation.IsValidMetricName(name) {
			add(attribute, "must be the name of a metric")
		}
	}
	if d.CodeLabel != "" && !model.UTF8Validation.IsValidLabelName(d.CodeLabel) {
		add("code_label", "must be the name of a label")
	}
	if d.Timeout < 0 {
		add("timeout", "must not be negative")
	}
	return problems
}
