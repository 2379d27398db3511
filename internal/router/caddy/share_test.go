package caddy

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSharesOfTheFormat(t *testing.T) {
	for percent, want := range map[int]string{0: "0000", 25: "4000", 50: "8000", 75: "c000", 100: "g"} {
		if got := formatShare(percent); got != want {
			t.Errorf("%d %% is written %q, want %q", percent, got, want)
		}
	}
}

func TestEveryPercentComesBack(t *testing.T) {
	for percent := range 101 {
		if got := parseShare(formatShare(percent)); got != percent {
			t.Errorf("%d %% comes back as %d", percent, got)
		}
	}
}

// A slot that has something does not read as having nothing.
func TestLessThanHalfAPercent(t *testing.T) {
	for text, want := range map[string]int{"0000": 0, "00000000": 0, "0001": 1, "00000001": 1, "00ff": 1, "fffe": 99, "ff": 99, "ffffffff": 99, "g": 100} {
		if got := parseShare(text); got != want {
			t.Errorf("%q reads as %d %%, want %d", text, got, want)
		}
	}
}

// The share of UUIDs that compare below what is written is the percent: counted over every first four digits.
func TestShareIsWhatCaddyCompares(t *testing.T) {
	const rest = "0000-0000-4000-8000-000000000000" // of a UUID, after its first four digits
	for _, percent := range []int{0, 1, 25, 33, 50, 99, 100} {
		share, below := formatShare(percent), 0
		for first := range whole {
			if fmt.Sprintf("%04x", first)+rest < share {
				below++
			}
		}
		if got := 100 * float64(below) / whole; math.Abs(got-float64(percent)) > 0.001 {
			t.Errorf("%d %% is written %q, which %.4f %% of the UUIDs are below", percent, share, got)
		}
	}
}

func TestAnyShareReadsAsTheNearestPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.IntRange(1, digitsBeforeDash).Draw(t, "digits")
		of := math.Pow(16, float64(digits))
		value := rapid.Uint64Range(0, uint64(of)-1).Draw(t, "value")
		end := rapid.SampledFrom([]string{"", "\n", "\r\n"}).Draw(t, "end")
		got := parseShare(fmt.Sprintf("%0*x", digits, value) + end)
		exact := 100 * float64(value) / of
		if value > 0 && (got == 0 || got == 100) {
			t.Fatalf("%0*x is %f %%, and reads as %d", digits, value, exact, got)
		}
		if nearest := math.Abs(float64(got) - exact); nearest > 0.5 && !(exact < 0.5 && got == 1) && !(exact > 99.5 && got == 99) {
			t.Fatalf("%0*x is %f %%, and reads as %d", digits, value, exact, got)
		}
	})
}

// Whatever somebody wrote by hand, the share is that of the UUIDs which compare below it.
func TestAnyTextReadsAsCaddyComparesIt(t *testing.T) {
	const rest = "0000-0000-4000-8000-000000000000"
	for _, text := range []string{"", "A000", "25%", "gg", "g0", "-1", " 4000", "4000 ", "4000\n\n", "0x40", "123456789", "\x00", "zz", "é", strings.Repeat("0", 5000)} {
		below := 0
		for first := range whole {
			if fmt.Sprintf("%04x", first)+rest < text {
				below++
			}
		}
		if got := parseShare(text); math.Abs(float64(got)-100*float64(below)/whole) > 0.51 {
			t.Errorf("%q reads as %d %%, and %.2f %% of the UUIDs are below it", text, got, 100*float64(below)/whole)
		}
	}
}

func FuzzParseShare(f *testing.F) {
	for _, text := range []string{"", "0000", "4000", "g", "4000\n", "\r\n", "ffffffff", "A000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if percent := parseShare(text); percent < 0 || percent > 100 {
			t.Errorf("%q reads as %d %%", text, percent)
		}
	})
}
