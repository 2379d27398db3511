package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Content is what a release is. How it is introduced (health, checks, steps, analysis) is no part of it.
type Content struct {
	Version string `json:"version"`
	// Artifact is a reference as data deploy_artifact exports it; only its digest is part of the release's identity.
	Artifact string `json:"artifact,omitempty"`
	// Config is the environment of the release. Not for secrets.
	Config map[string]string `json:"config,omitempty"`
	// Secrets maps a variable of the environment to the name of a credential, never to its value.
	Secrets map[string]string `json:"secrets,omitempty"`
	Host    *HostContent      `json:"host,omitempty"`
	// Restart is free text: another value makes another release of the same content, which runs it anew.
	Restart string `json:"restart,omitempty"`
}

// HostContent is what a release is on platform host.
type HostContent struct {
	// Command is the program and its arguments, started in the release's directory, without a shell.
	Command []string `json:"command"`
}

// Reference is a parsed artifact reference: "file:<path>@sha256:<64 hex digits>".
type Reference struct {
	// Path is as the user wrote it, relative to where Terraform runs.
	Path string
	// Digest is "sha256:<64 hex digits>".
	Digest string
}

var (
	referencePattern = regexp.MustCompile(`^file:(.+)@(sha256:[0-9a-f]{64})$`)
	versionPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$`)
	variablePattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// String gives the form that ParseReference reads.
func (r Reference) String() string { return "file:" + r.Path + "@" + r.Digest }

// ParseReference reads an artifact reference.
func ParseReference(s string) (Reference, error) {
	m := referencePattern.FindStringSubmatch(s)
	if m == nil {
		return Reference{}, fmt.Errorf("%q is not an artifact reference: use data.deploy_artifact.<name>.reference, "+
			"which looks like file:dist/web.tar.gz@sha256:<64 hex digits>", s)
	}
	return Reference{Path: m[1], Digest: m[2]}, nil
}

// Problem is something wrong with an input: where, and what to write instead.
type Problem struct {
	// Path leads to the attribute, outermost first: {"content", "version"}.
	Path []string
	// Detail names the remedy.
	Detail string
	// Hosts are the names of those that have it, if it is one of hosts.
	Hosts []string
}

// Error makes a Problem usable as an error.
func (p Problem) Error() string { return strings.Join(p.Path, ".") + ": " + p.Detail }

// Validate lists what is wrong with the content; paths are relative to it.
func (c Content) Validate() []Problem {
	var problems []Problem
	add := func(detail string, path ...string) { problems = append(problems, Problem{Path: path, Detail: detail}) }
	if !versionPattern.MatchString(c.Version) {
		add(fmt.Sprintf("%q is not a version: use 1 to 100 letters, digits, dots, plus signs, underscores and hyphens, beginning with a letter or digit", c.Version), "version")
	}
	if c.Artifact != "" {
		if _, err := ParseReference(c.Artifact); err != nil {
			add(err.Error(), "artifact")
		}
	}
	for name := range c.Config {
		if !variablePattern.MatchString(name) {
			add(fmt.Sprintf("%q is not the name of an environment variable: use letters, digits and underscores, not beginning with a digit", name), "config", name)
		} else if ReservedVariable(name) {
			add(name+" is set by the platform: choose another name", "config", name)
		}
	}
	for name, credential := range c.Secrets {
		if credential == "" {
			add("give the name of a credential of the provider", "secrets", name)
		}
		if !variablePattern.MatchString(name) {
			add(fmt.Sprintf("%q is not the name of an environment variable: use letters, digits and underscores, not beginning with a digit", name), "secrets", name)
		} else if ReservedVariable(name) {
			add(name+" is set by the platform: choose another name", "secrets", name)
		} else if _, twice := c.Config[name]; twice {
			add(name+" is in config and in secrets: keep one of them", "secrets", name)
		}
	}
	if c.Host != nil {
		if len(c.Host.Command) == 0 || c.Host.Command[0] == "" {
			add("give the program and its arguments, such as [\"./web\"]", "host", "command")
		}
		if c.Artifact == "" {
			add("a release on platform host runs an artifact: set it to data.deploy_artifact.<name>.reference", "artifact")
		}
	}
	return problems
}

// PackedProgram is the program of platform host, as it is written, where it is one of the artifact's files; empty where it is none: an absolute
// path, or a name without a slash, which is looked for in PATH.
func (c Content) PackedProgram() string {
	if c.Host == nil || len(c.Host.Command) == 0 {
		return ""
	}
	program := c.Host.Command[0]
	if !strings.Contains(program, "/") || path.IsAbs(program) || path.Clean(program) == ".." || strings.HasPrefix(path.Clean(program), "../") {
		return ""
	}
	return program
}

// ReservedVariable tells whether the platform sets this variable of a release's environment itself.
func ReservedVariable(name string) bool {
	return name == "PORT" || strings.HasPrefix(name, "DEPLOY_")
}

// Canonical is the form that a release's id is made of: JSON with sorted keys, without nulls, empty
// collections and defaults, the artifact reduced to its digest. Its bytes for a given content never change
// between versions of the provider (golden test).
func (c Content) Canonical() []byte {
	if ref, err := ParseReference(c.Artifact); err == nil {
		c.Artifact = ref.Digest
	}
	if c.Host != nil && len(c.Host.Command) == 0 {
		c.Host = nil
	}
	// A map, so that the order of keys does not hang on the order of fields in this file.
	form := map[string]any{}
	encoded, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(encoded, &form)
	}
	if err == nil {
		encoded, err = json.Marshal(unsigned(form))
	}
	if err != nil {
		panic("service: content of strings cannot fail to encode: " + err.Error())
	}
	return encoded
}

// unsigned writes the number -0 as 0: Terraform gives it to a resource as the one, and to a function as the other.
func unsigned(value any) any {
	switch value := value.(type) {
	case string:
		if value == "-0" {
			return "0"
		}
	case map[string]any:
		for key, element := range value {
			value[key] = unsigned(element)
		}
	case []any:
		for i, element := range value {
			value[i] = unsigned(element)
		}
	}
	return value
}

// ReleaseID derives the id of this content's release of a service.
func (c Content) ReleaseID(id ID) ReleaseID {
	sum := sha256.Sum256(c.Canonical())
	return ReleaseID(string(id) + "/" + c.Version + "-" + hex.EncodeToString(sum[:4]))
}
