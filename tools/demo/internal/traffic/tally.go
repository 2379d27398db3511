package traffic

import (
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

// Tally is what a window of the log comes to.
type Tally struct {
	// Requests that ended in the window, and Lost ones of them.
	Requests int
	Lost     int
	// Bad are error answers of the bad release, BadFor the time from the first to the last of them.
	Bad    int
	BadFor time.Duration
	// Unexpected are error answers of any other release.
	Unexpected int
	// Losses are a few of the lost ones, as evidence.
	Losses []Record
}

const lossesShown = 5

// Count tallies records; bad is the version of the release whose errors are expected, empty if none are.
func Count(records []Record, bad string) Tally {
	t := Tally{Requests: len(records)}
	var first, last time.Time
	for _, r := range records {
		switch r.Class() {
		case Good:
		case Lost:
			t.Lost++
			if len(t.Losses) < lossesShown {
				t.Losses = append(t.Losses, r)
			}
		case Failed:
			if bad == "" || web.VersionOf(r.Release) != bad {
				t.Unexpected++
				continue
			}
			t.Bad++
			if first.IsZero() || r.Ended.Before(first) {
				first = r.Ended
			}
			if r.Ended.After(last) {
				last = r.Ended
			}
		}
	}
	t.BadFor = last.Sub(first)
	return t
}

// Versions lists which versions answered, sorted.
func Versions(records []Record) []string {
	var versions []string
	for _, r := range records {
		if v := web.VersionOf(r.Release); r.Release != "" && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	slices.Sort(versions)
	return versions
}

// AnswersOf counts the answers of a version, good and bad ones.
func AnswersOf(records []Record, version string) int {
	n := 0
	for _, r := range records {
		if r.Release != "" && web.VersionOf(r.Release) == version {
			n++
		}
	}
	return n
}

// LastAnswer is when the last answer of a version was there; false if it gave none.
func LastAnswer(records []Record, version string) (time.Time, bool) {
	var last time.Time
	for _, r := range records {
		if r.Release != "" && web.VersionOf(r.Release) == version && r.Ended.After(last) {
			last = r.Ended
		}
	}
	return last, !last.IsZero()
}
