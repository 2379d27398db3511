// Package suggest names what somebody may have meant.
package suggest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// most is how many names are suggested, and alike how similar to what was wanted they are at least, from 0 to 1.
const (
	most  = 3
	alike = 0.5
)

// Names returns the names most similar to wanted, the most similar first, at most three; none where nothing is similar.
func Names(wanted string, have []string) []string {
	type candidate struct {
		name       string
		similarity float64
	}
	var candidates []candidate
	for _, name := range have {
		s := levenshtein.Similarity(wanted, name, nil)
		// A part of a long name is alike, however much of it is left.
		if wanted != "" && (strings.Contains(name, wanted) || name != "" && strings.Contains(wanted, name)) {
			s = max(s, alike)
		}
		if s >= alike {
			candidates = append(candidates, candidate{name, s})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.similarity, a.similarity), strings.Compare(a.name, b.name))
	})
	candidates = slices.CompactFunc(candidates, func(a, b candidate) bool { return a.name == b.name })
	var names []string
	for _, c := range candidates[:min(most, len(candidates))] {
		names = append(names, c.name)
	}
	return names
}

// Instead says which names are similar, or how many others there are: the end of a sentence on what is missing.
func Instead(wanted string, have []string) string {
	if names := Names(wanted, have); len(names) > 0 {
		return "there is " + strings.Join(names, ", ")
	}
	if len(have) == 0 {
		return "there is no other"
	}
	return "none of those there are has a similar name"
}
