package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ContentProblems implements delivery.Platform.
func (h *Host) ContentProblems(c service.Content, environment map[string]string) []service.Problem {
	return ContentProblems(c, environment)
}

// ContentProblems lists what of a content, and of the environment that its release is started with, no process can be given; paths are relative to
// the content, and no detail holds a value. environment has its config and, as far as they are known, its secrets.
func ContentProblems(c service.Content, environment map[string]string) []service.Problem {
	var problems []service.Problem
	if c.Host != nil && strings.Contains(strings.Join(c.Host.Command, " "), "\x00") {
		problems = append(problems, service.Problem{Path: []string{"host", "command"}, Detail: "the command content.host.command has a NUL, which no process can be given: take it out"})
	}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if !strings.Contains(environment[name], "\x00") {
			continue
		}
		in := "config"
		if _, secret := c.Secrets[name]; secret {
			in = "secrets"
		}
		problems = append(problems, service.Problem{Path: []string{in, name}, Detail: fmt.Sprintf(
			"the value of %s in content.%s has a NUL, which no process can be given: take it out, or encode the value, such as with base64", name, in)})
	}
	return problems
}
