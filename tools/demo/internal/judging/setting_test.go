package judging

import (
	"strings"
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	for names, want := range map[string]string{
		"all":                    "scrape-200ms scrape-1s prometheus-1s prometheus-15s",
		"prometheus-15s":         "prometheus-15s",
		"scrape-1s,scrape-200ms": "scrape-1s scrape-200ms",
		"scrape-1s,scrape-1s":    "error: named twice",
		"scrape-2s":              "error: there are scrape-200ms, scrape-1s, prometheus-1s, prometheus-15s, and all",
		"":                       "error: no setting",
	} {
		chosen, err := Choose(names)
		if failure, isFailure := strings.CutPrefix(want, "error: "); isFailure {
			if err == nil || !strings.Contains(err.Error(), failure) {
				t.Errorf("%q: %v, want an error with %q", names, err, failure)
			}
			continue
		}
		var got []string
		for _, s := range chosen {
			got = append(got, s.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", names, got, err, want)
		}
	}
}

func TestWell(t *testing.T) {
	for _, c := range []struct {
		scrapes     time.Duration
		least, most time.Duration
	}{
		{0, 2 * time.Second, 5 * time.Second},
		{time.Second, 3 * time.Second, 6 * time.Second},
		// As long as a whole interval, so that the moment falls anywhere in it.
		{15 * time.Second, 17 * time.Second, 32 * time.Second},
	} {
		s := Setting{Scrapes: c.scrapes}
		if least, most := s.well(0), s.well(1); least != c.least || most != c.most {
			t.Errorf("scrapes every %s: well for %s to %s, want %s to %s", c.scrapes, least, most, c.least, c.most)
		}
	}
}
