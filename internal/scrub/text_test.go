package scrub

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// No cut through any place of a text leaves a letter of a secret, and what is no secret stays.
func TestScrubAtCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[A-Z]{6,40}`), 1, 3).Draw(t, "secrets")
		var text strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "length") {
			text.WriteString(rapid.StringMatching(`[a-z ]{0,5}`).Draw(t, "between"))
			text.WriteString(rapid.SampledFrom(secrets).Draw(t, "secret"))
		}
		from := rapid.IntRange(0, text.Len()).Draw(t, "from")
		to := rapid.IntRange(from, text.Len()).Draw(t, "to")
		got := Of(secrets...).Text(CutMark + text.String()[from:to] + CutMark)
		if strings.ContainsFunc(got, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
			t.Fatalf("%q leaves %q", text.String()[from:to], got)
		}
		if plain := "all is well"; Of(secrets...).Text(plain) != plain {
			t.Fatal("changed what holds no secret")
		}
	})
}
