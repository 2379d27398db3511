package haproxy

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
)

func TestNewer(t *testing.T) {
	mine := fence.Fence{Ledger: "a", Epoch: 7}
	for name, c := range map[string]struct {
		noted string
		newer bool
	}{
		"a later epoch":         {noteOf(fence.Fence{Ledger: "a", Epoch: 10}), true},
		"the same":              {noteOf(mine), false},
		"an earlier epoch":      {noteOf(fence.Fence{Ledger: "a", Epoch: 6}), false},
		"another ledger":        {noteOf(fence.Fence{Ledger: "b", Epoch: 10}), false},
		"nothing":               {"", false},
		"something of somebody": {"hello", false},
	} {
		if got := newer(c.noted, mine); got != c.newer {
			t.Errorf("%s: newer is %t", name, got)
		}
	}
}

// TestNoteForm: it is one word that HAProxy takes, whatever the ledger is called, and so is the name that it has.
func TestNoteForm(t *testing.T) {
	note := noteOf(fence.Fence{Ledger: "a) b;\n", Epoch: 12})
	if strings.Trim(note, "0123456789abcdef-") != "" || parseNote("proc.x: type=str value=<"+note+">") != note {
		t.Errorf("the note is %q", note)
	}
	r := &Router{id: "pro-duction/web-1"}
	if got := r.variable(); got != "proc.deploy.pro_duction.web_1" {
		t.Errorf("the variable is %s", got)
	}
}

func FuzzParseNote(f *testing.F) {
	f.Add("proc.x: type=str value=<7-abc>", 7)
	f.Add("Variable not found.", 0)
	f.Fuzz(func(t *testing.T, answer string, epoch int) {
		note := parseNote(answer)
		if strings.Contains(note, ">") || !strings.Contains(answer, note) {
			t.Errorf("%q is read as %q", answer, note)
		}
		newer(note, fence.Fence{Ledger: "a", Epoch: epoch})
	})
}
