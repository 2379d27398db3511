package host

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// defaultPath is where programs are looked for if our own environment does not say.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// spec is what an instance's supervisor is to run.
func (h *Host) spec(l layout, r service.Release, i service.Instance, environment map[string]string) (supervisor.Spec, error) {
	address, port, err := net.SplitHostPort(i.Address)
	if err != nil {
		return supervisor.Spec{}, fmt.Errorf("read its address: %w", err)
	}
	all := inherited()
	for name, value := range environment {
		all = append(all, name+"="+value)
	}
	all = append(all, "PORT="+port, supervisor.ReleaseVariable+"="+string(r.ID), "DEPLOY_SERVICE="+string(h.id),
		"DEPLOY_SLOT="+r.Placement.Slot, "DEPLOY_INSTANCE="+i.Name, "DEPLOY_ADDRESS="+address)
	all = lastOfEach(all)
	program, err := findProgram(r.Content.Host.Command[0], l.release(r.ID), all)
	if err != nil {
		return supervisor.Spec{}, err
	}
	return supervisor.Spec{
		Release: r.ID, Program: program, Command: r.Content.Host.Command, Directory: l.release(r.ID), Environment: all,
		DrainTimeout: h.definition.DrainTimeout, Log: h.definition.Log, Backoff: supervisor.DefaultBackoff,
	}, nil
}

// inherited are the variables of our own environment that instances get. Nothing else: it may hold secrets.
func inherited() []string {
	all := []string{"PATH=" + defaultPath}
	for _, name := range []string{"PATH", "HOME", "LANG"} {
		if value, set := os.LookupEnv(name); set {
			all = append(all, name+"="+value)
		}
	}
	return lastOfEach(all)
}

// lastOfEach keeps the last value of each variable, in a fixed order.
func lastOfEach(environment []string) []string {
	values := map[string]string{}
	for _, assignment := range environment {
		name, _, _ := strings.Cut(assignment, "=")
		values[name] = assignment
	}
	all := make([]string, 0, len(values))
	for _, assignment := range values {
		all = append(all, assignment)
	}
	slices.Sort(all)
	return all
}

// findProgram resolves a command: with a slash relative to the release's directory, without one through PATH.
func findProgram(command, dir string, environment []string) (string, error) {
	if filepath.IsAbs(command) {
		return command, nil
	}
	if strings.Contains(command, "/") {
		return filepath.Join(dir, command), nil
	}
	path := ""
	for _, assignment := range environment {
		if value, found := strings.CutPrefix(assignment, "PATH="); found {
			path = value
		}
	}
	for _, candidate := range filepath.SplitList(path) {
		full := filepath.Join(candidate, command)
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && filepath.IsAbs(full) {
			return full, nil
		}
	}
	return "", fmt.Errorf("the program %q is not in PATH (%s): write ./%s if it is in the artifact", command, path, command)
}
