package main

import (
	"fmt"
	"io"
	"math"
	"time"
)

// reaction is how somebody dealt with the bad releases of a case.
type reaction struct {
	// after is the seconds from the fault to the restore, answers the bad ones until then.
	after, answers sample
	// early counts the releases that were ended before they were bad; they are in none of the samples.
	early int
}

func (r *reaction) add(end time.Duration, c *course, answers int) {
	switch {
	case end == never:
		r.after = append(r.after, math.Inf(1))
	case end <= c.bad && c.bad > 0:
		r.early++
		return
	default:
		r.after = append(r.after, (end - c.bad).Seconds())
	}
	r.answers = append(r.answers, float64(answers))
}

// reacts tells whether at least half of the releases were still there to be restored, and of those half were.
func (r *reaction) reacts() bool { return len(r.after) > r.early && !math.IsInf(r.after.median(), 1) }

func (r *reaction) print(w io.Writer, title, bound, note string) {
	early := ""
	if r.early > 0 {
		early = fmt.Sprintf("; %d ended before it was bad", r.early)
	}
	fmt.Fprintf(w, badRow, title, seconds(r.after.median()), seconds(r.after.p95()), seconds(r.answers.median()), percent(r.after.finite()), bound, note+early)
}
