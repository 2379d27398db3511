package caddy

import (
	"fmt"
	"math"
	"strings"
)

// Caddy compares a request's random UUID with the share as text: in "4000" lie the UUIDs whose first four hex digits
// are below 4000, a quarter. The shorter of two texts that begin alike comes first, so that "0000" is above none; "g"
// is above every digit.
const (
	whole    = 1 << 16
	everyone = "g"
	// digitsBeforeDash of a UUID: what is behind them in a share moves less than a percent.
	digitsBeforeDash = 8
)

// formatShare writes a whole percent, from 0 to 100, as the nearest share of four hex digits.
func formatShare(percent int) string {
	if percent >= 100 {
		return everyone
	}
	return fmt.Sprintf("%04x", (percent*whole+50)/100)
}

// parseShare returns the nearest whole percent of UUIDs that Caddy finds below what a share file holds: of anything, since Caddy
// compares anything. Whoever wrote "zz" by hand has given all of the traffic to green. Less than half a percent is 1, since a slot that
// reads as 0 may be stopped.
func parseShare(text string) int {
	// One end of line is not part of the placeholder's value.
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	below, width := 0.0, 1.0
	for i := range min(len(text), digitsBeforeDash) {
		smaller := 0
		for _, digit := range []byte(hexDigits) {
			if digit < text[i] {
				smaller++
			}
		}
		width /= 16
		below += width * float64(smaller)
		if strings.IndexByte(hexDigits, text[i]) < 0 {
			break // No UUID goes on like this.
		}
	}
	percent := int(math.Round(100 * below))
	if below > 0 && below < 1 {
		percent = min(max(percent, 1), 99)
	}
	return percent
}

const hexDigits = "0123456789abcdef"
