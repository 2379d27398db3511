package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func inTheSplit() (ledger.View, *ledger.Progress) {
	release := service.ReleaseID("production/web/2-00000002")
	view := ledger.View{Now: noon, Alive: true, State: ledger.State{
		Stable: "production/web/1-00000001", Attempts: []ledger.Attempt{{Number: 3, Release: release, Weight: 25}},
	}}
	return view, &ledger.Progress{
		Text: string(release) + " at 25 %: not enough requests yet", Weight: 25, Since: noon.Add(-time.Minute), Until: noon.Add(3 * time.Minute),
		Evidence: []string{"errors: candidate 1 of 40 (2.5 %)"},
	}
}

// On a terminal the block with the bars is drawn over, and events scroll by above it.
func TestBars(t *testing.T) {
	var out bytes.Buffer
	d := &bars{out: &out}
	view, p := inTheSplit()
	if err := d.standing(view, p); err != nil {
		t.Fatal(err)
	}
	first := out.String()
	for _, want := range []string{
		"stable: production/web/1-00000001", "attempt 3 of production/web/2-00000002",
		"traffic  [" + strings.Repeat("█", 10) + strings.Repeat("·", 30) + "]  25 %", "step     [" + strings.Repeat("█", 10), "3m0s left", "candidate 1 of 40",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("it does not show %q:\n%s", want, first)
		}
	}
	if strings.Contains(first, "\x1b") {
		t.Error("it draws over what it did not draw")
	}
	out.Reset()
	if err := d.event(ledger.Event{Type: ledger.WeightReached, Time: noon, Text: "it moved"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(first, "\n")
	if again := out.String(); !strings.HasPrefix(again, "\x1b["+string(rune('0'+lines))+"A\r\x1b[J") || strings.Index(again, "it moved") > strings.Index(again, "traffic  [") {
		t.Errorf("the event is not above the block of %d lines:\n%q", lines, again)
	}
}

// Elsewhere each thing is said once, in a line.
func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	d := &plainLines{out: &out, errs: &out}
	view, p := inTheSplit()
	for range 3 {
		if err := d.standing(view, p); err != nil {
			t.Fatal(err)
		}
	}
	if text := out.String(); strings.Count(text, "not enough requests yet (3m0s left)") != 1 || strings.Count(text, "stable: ") != 1 || strings.Contains(text, "\x1b") {
		t.Errorf("plain lines:\n%s", text)
	}
}

func TestBarStaysInItsFrame(t *testing.T) {
	for _, share := range []float64{-1, 0, 0.5, 1, 7} {
		if n := len([]rune(bar(share))); n != barWidth+2 {
			t.Errorf("bar(%v) is %d wide", share, n)
		}
	}
}

// What is not finished says why, and is no run that died.
func TestHeadingOfWhatIsNotFinished(t *testing.T) {
	view := ledger.View{State: ledger.State{Stable: first, Attempts: []ledger.Attempt{{
		Number: 3, Release: second, Executing: true, Restoring: true, Unfinished: "node b does not answer",
	}}}}
	lines := strings.Join(heading(view), "\n")
	if !strings.Contains(lines, "attempt 3 is not finished: node b does not answer") || strings.Contains(lines, "interrupted") {
		t.Errorf("it says: %s", lines)
	}
	view.State.Attempts[0].Unfinished = ""
	if lines := strings.Join(heading(view), "\n"); !strings.Contains(lines, "attempt 3 was interrupted") {
		t.Errorf("it says: %s", lines)
	}
}
