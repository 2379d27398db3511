package machines

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// unit is what a unit file of an instance is made of.
type unit struct {
	instance
	service service.ID
	release service.ReleaseID
	command []string
	secrets []string
	// directory of the service, address of the host.
	directory, address string
	// login is the user who logs in.
	login   string
	drain   time.Duration
	systemd service.Systemd
}

// mark is the first line of each file in systemd's directories that is ours.
func mark(id service.ID) string {
	return "# Of the service " + string(id) + ", written by terraform-provider-deploy: changes here are lost, so write a drop-in."
}

// releaseMark is the line that says for which release a unit was written.
func releaseMark(id service.ReleaseID) string { return "# release " + string(id) }

// slotDirectory is where an instance's files are.
func slotDirectory(directory string, i instance) string {
	return path.Join(directory, "slots", i.slot, fmt.Sprint(i.number))
}

// render writes the unit file.
func (u unit) render() (string, error) {
	if len(u.command) == 0 || u.command[0] == "" {
		return "", errors.New("its content has no host.command")
	}
	files := path.Join(u.directory, "releases", u.release.Label())
	start, err := commandLine(program(u.command[0], files), u.command[1:])
	if err != nil {
		return "", err
	}
	slot := slotDirectory(u.directory, u.instance)
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "=" + value + "\n") }
	b.WriteString(mark(u.service) + "\n" + releaseMark(u.release) + "\n# slot " + u.slot + ", instance " + u.Name + "\n\n[Unit]\n")
	line("Description", strings.ReplaceAll(string(u.release)+" as "+u.Name, "%", "%%"))
	if u.systemd.Scope == service.ScopeSystem {
		line("Wants", "network-online.target")
		line("After", "network-online.target")
	}
	b.WriteString("# It is started again for as long as it dies, each time after RestartSec.\n")
	line("StartLimitIntervalSec", "0")

	b.WriteString("\n[Service]\n")
	line("Type", "exec")
	line("WorkingDirectory", files)
	for _, command := range u.systemd.Before {
		before, err := commandLine(program(command[0], files), command[1:])
		if err != nil {
			return "", fmt.Errorf("systemd.before: %w", err)
		}
		line("ExecStartPre", before)
	}
	line("ExecStart", start)
	for _, v := range u.variables() {
		line("Environment", unitWord(v))
	}
	line("EnvironmentFile", slot+"/environment")
	if u.systemd.Secrets == service.SecretsCredentials {
		for _, name := range u.secrets {
			line("LoadCredential", name+":"+slot+"/credentials/"+name)
		}
	}
	u.account(line)
	line("Restart", u.systemd.Restart)
	line("RestartSec", span(u.systemd.RestartDelay.D()))
	line("KillSignal", "SIGTERM")
	line("KillMode", "control-group")
	line("TimeoutStopSec", span(max(u.drain, time.Millisecond))) // 0 would be for ever
	line("SyslogIdentifier", strings.TrimSuffix(u.unit, ".service"))
	u.harden(line)
	for _, name := range slices.Sorted(maps.Keys(u.systemd.Limits)) {
		line(name, u.systemd.Limits[name])
	}
	b.WriteString("\n[Install]\n")
	line("WantedBy", map[string]string{service.ScopeSystem: "multi-user.target", service.ScopeUser: "default.target"}[u.systemd.Scope])
	return b.String(), nil
}

// program finds what is run: with a slash relative to the release's files, without one by systemd in its own path.
func program(name, files string) string {
	if relative(name) {
		return path.Join(files, name)
	}
	return name
}

// relative tells whether a program is named by its place among the release's files.
func relative(name string) bool { return strings.Contains(name, "/") && !path.IsAbs(name) }

// variables that the platform sets itself.
func (u unit) variables() []string {
	return []string{
		"PORT=" + fmt.Sprint(u.port), "DEPLOY_RELEASE=" + string(u.release), "DEPLOY_SERVICE=" + string(u.service),
		"DEPLOY_SLOT=" + u.slot, "DEPLOY_INSTANCE=" + u.Name, "DEPLOY_ADDRESS=" + u.address,
	}
}

// user is whom it runs as; dynamic: one that systemd makes up.
func (u unit) user() (name string, dynamic bool) {
	switch {
	case u.systemd.Scope == service.ScopeUser:
		return u.login, false
	case u.systemd.User != "":
		return u.systemd.User, false
	case u.login == "" || u.login == "root":
		return "", true
	}
	return u.login, false
}

// byAnother tells whether it runs as somebody who may read what is open to all alone: neither the one who logs in, whose the release's files
// are, nor root. (Of a drop-in that names a user nothing is known.)
func (u unit) byAnother() bool {
	name, dynamic := u.user()
	return dynamic || name != u.login && name != "root" && name != "0"
}

// account is whom it runs as.
func (u unit) account(line func(name, value string)) {
	if u.systemd.Scope == service.ScopeUser {
		return
	}
	if name, dynamic := u.user(); dynamic {
		line("DynamicUser", "yes")
	} else {
		line("User", name)
	}
	if u.systemd.Group != "" {
		line("Group", u.systemd.Group)
	}
}

// span is a time as systemd reads it.
func span(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
