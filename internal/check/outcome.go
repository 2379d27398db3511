package check

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
)

const (
	// evidenceLimit bounds a result's evidence, in bytes: ledger entries and diagnostics carry it.
	evidenceLimit = 4 << 10
	// lineLimit bounds Asked and Got, in bytes.
	lineLimit = 600
	// excerptLimit bounds what a kind hands over of one piece of evidence, before secrets are taken out.
	excerptLimit = 64 << 10
)

// outcome is what came of asking.
type outcome struct {
	passed bool
	got    string
	// evidence in pieces, which share the room there is; tail keeps the end of each instead of its beginning.
	evidence []string
	tail     bool
}

func passed(format string, args ...any) outcome {
	return outcome{passed: true, got: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) outcome {
	return outcome{got: fmt.Sprintf(format, args...)}
}

// evidenceText joins the pieces, each scrubbed before it is cut, so that no part of a secret stays at a cut.
func (o outcome) evidenceText(scrub func(string) string) string {
	if len(o.evidence) == 0 {
		return ""
	}
	share := max(evidenceLimit/len(o.evidence)-1, 2*len(program.CutMark))
	pieces := make([]string, 0, len(o.evidence))
	for _, piece := range o.evidence {
		piece = printable(scrub(piece))
		if o.tail {
			piece = last(piece, share)
		} else {
			piece = first(piece, share)
		}
		pieces = append(pieces, strings.TrimSpace(piece))
	}
	return first(strings.Join(pieces, "\n"), evidenceLimit)
}

// oneLine makes one bounded line of text.
func oneLine(text string) string {
	return first(strings.Join(strings.Fields(printable(text)), " "), lineLimit)
}

// printable is text without what terminals and JSON do not take.
func printable(text string) string {
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

// first is the beginning of text, at most limit bytes.
func first(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len(program.CutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + program.CutMark
}

// last is the end of text, at most limit bytes.
func last(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	start := len(text) - limit + len(program.CutMark)
	for start < len(text) && !utf8.RuneStart(text[start]) {
		start++
	}
	return program.CutMark + text[start:]
}

// excerpt is the beginning of what came, for evidence.
func excerpt(data []byte) string {
	if len(data) <= excerptLimit {
		return string(data)
	}
	return string(data[:excerptLimit]) + program.CutMark
}
