package caddy

import (
	"fmt"
	"strconv"
	"strings"
)

// Caddy compares a request's random UUID with the share as text: in "4000" lie the UUIDs whose first four hex digits
// are below 4000, a quarter. The shorter of two texts that begin alike comes first, so that "0000" is above none; "g"
// is above every digit.
const (
	whole    = 1 << 16
	everyone = "g"
	// digitsBeforeDash of a UUID: a longer share would be compared with a dash.
	digitsBeforeDash = 8
)

// formatShare writes a whole percent, from 0 to 100, as the nearest share of four hex digits.
func formatShare(percent int) string {
	if percent >= 100 {
		return everyone
	}
	return fmt.Sprintf("%04x", (percent*whole+50)/100)
}

// parseShare reads what a share file holds, as Caddy does, and returns the nearest whole percent. Shares of other than
// four digits are read too, since Caddy reads them. Capital letters are refused: as text they mean another share than
// as a number.
func parseShare(text string) (int, error) {
	// One end of line is not part of the placeholder's value.
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return 0, nil
	case text == everyone:
		return 100, nil
	case len(text) > digitsBeforeDash || strings.Trim(text, "0123456789abcdef") != "":
		return 0, fmt.Errorf(`it holds %q, where four lower-case hex digits ("0000" none, "4000" a quarter) or "g" (all) belong`, excerpt(text))
	}
	value, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("it holds %q: %w", excerpt(text), err)
	}
	of := uint64(1) << (4 * len(text))
	return int((value*100 + of/2) / of), nil //nolint:gosec // at most 100
}

func excerpt(text string) string {
	const limit = 32
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}
