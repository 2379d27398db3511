//go:build unix

package shellword

import (
	"os/exec"
	"testing"
)

// A word comes out of a shell as it went in, and is one.
func TestQuote(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := 1; b < 256; b++ {
		all = append(all, byte(b))
	}
	for _, text := range []string{"", "web", "two words", "it's", "''", `'\''`, "-n", "$HOME `id` $(id) !! *", "a\nb\n", string(all)} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "set -- "+Quote(text)+"; printf '%s %s' $# \"$1\"").Output()
		if err != nil || string(out) != "1 "+text {
			t.Errorf("%q is %q: %v", text, out, err)
		}
	}
}
