package machines

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ContentProblems lists what of a content, and of the environment that its release is started with, units of systemd do not pass on; paths are
// relative to the content, and no detail holds a value. environment has its config and, as far as they are known, its secrets. It asks no machine.
func ContentProblems(d service.HostPlatform, c service.Content, environment map[string]string) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	// One without an artifact is the user's own unit, which is started as it is.
	if c.Host != nil && len(c.Host.Command) > 0 && c.Artifact != "" {
		if _, err := commandLine(program(c.Host.Command[0], d.Directory), c.Host.Command[1:]); err != nil {
			add("the command content.host.command: "+err.Error(), "host", "command")
		}
	}
	asFiles := complete(d).Systemd.Secrets == service.SecretsCredentials
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		why := unpassable(environment[name])
		credential, secret := c.Secrets[name]
		switch {
		case why == "":
		case !secret:
			add(fmt.Sprintf("the value of %s in content.config %s", name, why), "config", name)
		case !asFiles: // A file holds anything.
			add(fmt.Sprintf("the value of %s in content.secrets, which is the credential %q, %s; or have it handed over as a file, with platform.host.systemd.secrets = \"credentials\"",
				name, credential, why), "secrets", name)
		}
	}
	return problems
}

// ContentProblems implements delivery.Platform.
func (m *Machines) ContentProblems(c service.Content, environment map[string]string) []service.Problem {
	return ContentProblems(m.definition, c, environment)
}
