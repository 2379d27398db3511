package release

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// What is not finished says why in a plan, and is no run that died.
func TestInterruptedTextOfWhatIsNotFinished(t *testing.T) {
	a := ledger.Attempt{Number: 3, Release: "production/web/2", Restoring: true, Unfinished: "node b does not answer"}
	if text := interruptedText(a); !strings.Contains(text, "Attempt 3 is not finished: node b does not answer") || strings.Contains(text, "ended in the middle") {
		t.Errorf("it says: %s", text)
	}
	a.Unfinished = ""
	if text := interruptedText(a); !strings.Contains(text, "A run ended in the middle: attempt 3") {
		t.Errorf("it says: %s", text)
	}
}
