package operator

import (
	"bytes"
	"testing"
)

func TestProgressIsIndentedByWholeLines(t *testing.T) {
	var out bytes.Buffer
	i := &indented{w: &out}
	for _, part := range []string{"step 1: 10", " %\nstep 2", ": 50 %\nunfinished"} {
		if _, err := i.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), "    │ step 1: 10 %\n    │ step 2: 50 %\n"; got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
}
