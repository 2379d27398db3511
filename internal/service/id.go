// Package service holds the plain data that the procedure works on: services, contents, releases,
// placements and snapshots, with their ids. It does nothing and knows no platform.
package service

import (
	"fmt"
	"regexp"
	"strings"
)

// ID names a service in one environment: "<environment>/<name>", such as "production/web".
type ID string

// ReleaseID names a release: "<environment>/<name>/<version>-<hash>", where hash is eight hex digits of
// the SHA-256 of the content's canonical form.
type ReleaseID string

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ValidateName tells what is wrong with a service's or an environment's name; nil if nothing.
// Names become path elements, environment values and labels of clusters, so they are DNS labels.
func ValidateName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q is not a name: use 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends", name)
	}
	return nil
}

// NewID joins an environment and a name, both as ValidateName wants them.
func NewID(environment, name string) ID { return ID(environment + "/" + name) }

// ParseID checks that s is "<environment>/<name>".
func ParseID(s string) (ID, error) {
	environment, name, found := strings.Cut(s, "/")
	if !found || ValidateName(environment) != nil || ValidateName(name) != nil {
		return "", fmt.Errorf("%q is not a service's id: write <environment>/<name>, such as production/web", s)
	}
	return ID(s), nil
}

// Environment is the part before the slash.
func (id ID) Environment() string { e, _, _ := strings.Cut(string(id), "/"); return e }

// Name is the part behind the slash.
func (id ID) Name() string { _, n, _ := strings.Cut(string(id), "/"); return n }

// ParseReleaseID checks that s is "<environment>/<name>/<version>-<hash>".
func ParseReleaseID(s string) (ReleaseID, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 {
		if _, err := ParseID(parts[0] + "/" + parts[1]); err == nil && releasePattern.MatchString(parts[2]) {
			return ReleaseID(s), nil
		}
	}
	return "", fmt.Errorf("%q is not a release's id: it looks like production/web/1.8.2-5c1f9e0b; "+
		"take it from deploy_release or from provider::deploy::release_id(service, content)", s)
}

var releasePattern = regexp.MustCompile(`^.+-[0-9a-f]{8}$`)

// Service is the service that the release belongs to.
func (r ReleaseID) Service() ID {
	if i := strings.LastIndexByte(string(r), '/'); i >= 0 {
		return ID(r[:i])
	}
	return ""
}

// Label is the last part of the id, "<version>-<hash>": unique within the service and safe as a file's name.
func (r ReleaseID) Label() string { return string(r[strings.LastIndexByte(string(r), '/')+1:]) }

// Version is the content's version.
func (r ReleaseID) Version() string {
	label := r.Label()
	if i := strings.LastIndexByte(label, '-'); i >= 0 {
		return label[:i]
	}
	return label
}
