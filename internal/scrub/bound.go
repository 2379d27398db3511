package scrub

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// excerptLine and excerptLimit bound an excerpt, in bytes: ledger entries, diagnostics and messages carry it.
	excerptLine  = 500
	excerptLimit = 4 << 10
)

// Excerpt is the end of a log without secrets, fit for evidence: at most 500 bytes a line and 4 KiB in all, control
// characters and terminal escapes made visible. Lines are cut at their end, and the oldest ones left out.
func (s *Secrets) Excerpt(lines []string) []string {
	// As one text, since a secret of several lines goes over them.
	lines = strings.Split(Printable(s.Text(strings.Join(lines, "\n"))), "\n")
	var kept []string
	room := excerptLimit - len(CutMark) - 1
	for _, line := range slices.Backward(lines) {
		line = First(line, excerptLine)
		if room -= len(line) + 1; room < 0 {
			kept = append(kept, CutMark)
			break
		}
		kept = append(kept, line)
	}
	slices.Reverse(kept)
	return slices.DeleteFunc(kept, func(line string) bool { return line == "" })
}

// Printable is text without what terminals and JSON do not take.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		if r == '\r' {
			return -1
		}
		return '·'
	}, strings.ToValidUTF8(text, "·"))
}

// First is the beginning of text, at most limit bytes.
func First(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len(CutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + CutMark
}

// Last is the end of text, at most limit bytes.
func Last(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	start := len(text) - limit + len(CutMark)
	for start < len(text) && !utf8.RuneStart(text[start]) {
		start++
	}
	return CutMark + text[start:]
}
