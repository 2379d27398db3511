package machines

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// roomScript says problems, each with its place; then what there is of the instances.
func (p part) roomScript(d service.HostPlatform, u unit, r service.Release) string {
	script := "id=" + shellword.Quote(string(p.release.Service())) + " tools=" + shellword.Quote(tools(r.Content.Artifact)) + " user=" + shellword.Quote(d.Systemd.User) + "\n" + foreign + "\n"
	if p.Sudo {
		existing := ""
		if e := d.Existing; e != nil {
			existing = e.Unit
		}
		script += "mine=" + shellword.Quote(strings.Join(p.wanted(), " ")) + " dropins=" + shellword.Quote(strings.Join(slices.Sorted(maps.Keys(d.Systemd.DropIns)), " ")) +
			" existing=" + shellword.Quote(existing) + "\n" + sudoBody
	} else if p.Scope == service.ScopeSystem {
		script += "[ \"$(id -u)\" = 0 ] || say \"problem systemd.scope the user $(id -un) cannot write units of the system: set systemd.sudo, or systemd.scope to user\"\n"
	}
	var group string
	var writable []string
	if p.Existing == "" { // It is the user's, and stays as it is.
		group, writable = u.needs()
	}
	script += readyBody
	if len(r.Health.DenyLogs) > 0 { // Any other release comes up without its log, and a check of it says so itself.
		script += journalBody + "readable\n"
	}
	script += "group=" + shellword.Quote(group) + "; set --"
	for _, path := range writable {
		script += " " + shellword.Quote(path)
	}
	return script + "\n" + roomBody
}

// The settings by which drop-ins may come by another group, or make paths themselves: they have the last word.
var (
	groupPattern = regexp.MustCompile(`(?m)^\s*(User|Group|DynamicUser)\s*=`)
	pathPattern  = regexp.MustCompile(`(?m)^\s*([A-Za-z]+Directory|ReadWritePaths|BindPaths|TemporaryFileSystem)\s*=`)
)

// needs are the group and the paths that a unit does not start without. With a dynamic user systemd makes up the group as well.
func (u unit) needs() (group string, writable []string) {
	if u.systemd.Scope != service.ScopeSystem {
		return "", nil
	}
	overridden := func(pattern *regexp.Regexp) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(u.systemd.DropIns)), pattern.MatchString)
	}
	if _, dynamic := u.user(); !dynamic && !overridden(groupPattern) {
		group = u.systemd.Group
	}
	if !u.systemd.Unhardened && !overridden(pathPattern) {
		writable = u.systemd.Writable
	}
	return group, writable
}

// tools are what the scripts here and of package transfer do not manage without, beside a shell. Of coreutils those stand for all that are not in every subset of it.
func tools(artifact string) string {
	all := "tar sed grep sha256sum flock systemctl journalctl install stat od"
	reference, err := service.ParseReference(artifact)
	packed := func(endings ...string) bool {
		return err == nil && slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(reference.Path, ending) })
	}
	switch {
	case packed(".zst", ".tzst"):
		all += " zstd"
	case packed(".gz", ".tgz"):
		all += " gzip"
	}
	return all
}
