package check

import (
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
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
func (o outcome) evidenceText(clean func(string) string) string {
	if len(o.evidence) == 0 {
		return ""
	}
	share := max(evidenceLimit/len(o.evidence)-1, 2*len(scrub.CutMark))
	pieces := make([]string, 0, len(o.evidence))
	for _, piece := range o.evidence {
		piece = scrub.Printable(clean(piece))
		if o.tail {
			piece = scrub.Last(piece, share)
		} else {
			piece = scrub.First(piece, share)
		}
		pieces = append(pieces, strings.TrimSpace(piece))
	}
	return scrub.First(strings.Join(pieces, "\n"), evidenceLimit)
}

// oneLine makes one bounded line of text.
func oneLine(text string) string {
	return scrub.First(strings.Join(strings.Fields(scrub.Printable(text)), " "), lineLimit)
}

// excerpt is the beginning of what came, for evidence.
func excerpt(data []byte) string {
	if len(data) <= excerptLimit {
		return string(data)
	}
	return string(data[:excerptLimit]) + scrub.CutMark
}
