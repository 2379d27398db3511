// Package logline looks for patterns in the lines that instances of a release wrote.
package logline

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Patterns are regular expressions (RE2), of which one is enough.
type Patterns []*regexp.Regexp

// Compile reads patterns. The error names the first that is none.
func Compile(patterns []string) (Patterns, error) {
	compiled := make(Patterns, len(patterns))
	for i, pattern := range patterns {
		var err error
		if compiled[i], err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("read the pattern %q: %w", pattern, err)
		}
	}
	return compiled, nil
}

// Match tries a line as a platform gives it and, where the name of one of the instances is before it, without that, so that ^ means
// the beginning of what was written.
func (p Patterns) Match(line string, instances []service.Instance) bool {
	written := []string{line}
	for _, i := range instances {
		if rest, found := strings.CutPrefix(line, i.Name); found && i.Name != "" {
			written = append(written, rest, strings.TrimLeft(rest, ":|] \t"))
		}
	}
	for _, pattern := range p {
		for _, text := range written {
			if pattern.MatchString(text) {
				return true
			}
		}
	}
	return false
}
