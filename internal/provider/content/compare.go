package content

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Differences says in words what differs between two contents, for people who wonder why two ids do.
func Differences(a, b service.Content) []string {
	var differences []string
	add := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if a.Version != b.Version {
		add("version: %s, and %s", a.Version, b.Version)
	}
	if da, db := digest(a), digest(b); da != db {
		add("the artifact's digest: %s, and %s", orNone(da), orNone(db))
	}
	if keys := differing(a.Config, b.Config); len(keys) > 0 {
		add("config: %s", strings.Join(keys, ", "))
	}
	if keys := differing(a.Secrets, b.Secrets); len(keys) > 0 {
		add("secrets: %s", strings.Join(keys, ", "))
	}
	if ca, cb := command(a), command(b); !slices.Equal(ca, cb) {
		add("host.command: %q, and %q", ca, cb)
	}
	if a.Restart != b.Restart {
		add("restart: %q, and %q", a.Restart, b.Restart)
	}
	return differences
}

func digest(c service.Content) string {
	if ref, err := service.ParseReference(c.Artifact); err == nil {
		return ref.Digest
	}
	return c.Artifact
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func command(c service.Content) []string {
	if c.Host == nil {
		return nil
	}
	return c.Host.Command
}

func differing(a, b map[string]string) []string {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, b)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(both)), func(key string) bool {
		inA, foundA := a[key]
		inB, foundB := b[key]
		return foundA == foundB && inA == inB
	})
}
