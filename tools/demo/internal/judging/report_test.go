package judging

import (
	"bytes"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	b := &bench{options: Options{Settings: Settings[:2], Kills: 3}}
	b.idle.late, b.busy = []float64{0.5}, []float64{0.5}
	for i, badFor := range []float64{1, 2, 1.8} {
		b.outcomes = append(b.outcomes, Outcome{Setting: "scrape-200ms", Run: i + 1, Bad: 4 + i, BadFor: badFor})
	}
	b.outcomes = append(b.outcomes,
		Outcome{Setting: "scrape-200ms", Run: 4, Bad: 1000, BadFor: 1000, Wrong: "it never ended"},
		Outcome{Setting: "scrape-200ms", Run: 5, Bad: 7, BadFor: 3, Killed: true, BadAfterKill: 0.25},
		Outcome{Setting: "scrape-200ms", Run: 6, Bad: 1000, BadFor: 1000, Killed: true, Late: true},
		Outcome{Setting: "scrape-200ms", Run: 7, Bad: 1000, BadFor: 1000, Killed: true, Wrong: "it was lost"},
	)
	var out bytes.Buffer
	if err := table(&out, b.rows()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"n lowest lower quartile median upper quartile highest",
		"scrape-200ms: bad for 3 1 s 1.4 s 1.8 s 1.9 s 2 s goal of the median 1.6 s: NOT reached",
		"scrape-200ms: bad answers 3 4 answers 4.5 answers 5 answers 5.5 answers 6 answers goal of the median 8 answers: reached",
		"scrape-1s: bad for 0 - - - - -",
		"provider killed, recover at once: bad for 1 3 s 3 s 3 s 3 s 3 s",
		"provider killed, recover at once: last bad answer after the kill 1 0.25 s 0.25 s 0.25 s 0.25 s 0.25 s",
		"n median 99th percentile highest",
		"idle machine: a 10 ms timer late by 1 0.5 ms 0.5 ms 0.5 ms",
	} {
		found := 0
		for _, line := range got {
			if line == want {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d lines %q in\n%s", found, want, out.String())
		}
	}
	for _, f := range all(b.rows()) {
		switch f.Name {
		case "scrape-200ms: bad for, median":
			if f.Value != 1.8 || f.Unit != "s" || f.Goal == nil || *f.Goal != 1.6 || f.Better != "lower" {
				t.Errorf("%+v", f)
			}
		case "scrape-200ms: bad answers, median":
			if f.Value != 5 || f.Goal == nil || *f.Goal != 8 {
				t.Errorf("%+v", f)
			}
		default:
			if f.Goal != nil {
				t.Errorf("%s has a goal of %v", f.Name, *f.Goal)
			}
		}
	}
}
