package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// outcome is what became of a request.
type outcome struct {
	request
	began, ended time.Time
	// reused: it was sent on a connection that had carried others.
	reused bool
	answer answer
	// lost is the cause; empty where it was answered.
	lost string
}

// Loss is a request that was lost.
type Loss struct {
	// Due, Began and Ended are when it should have been sent, was, and was found to be lost.
	Due, Began, Ended time.Time
	// Target by its place among the targets.
	Target             int
	Kept, Reused, Slow bool
	Cause              string
}

// String is for people.
func (l Loss) String() string {
	words := []string{"fresh"}
	if l.Kept {
		words[0] = "kept"
	}
	if l.Reused {
		words = append(words, "reused")
	}
	if l.Slow {
		words = append(words, "slow")
	}
	return fmt.Sprintf("%s, target %d, %s, after %d ms: %s", l.Began.Format("15:04:05.000"), l.Target, strings.Join(words, " "), l.Ended.Sub(l.Began).Milliseconds(), l.Cause)
}

// Tally counts a load.
type Tally struct {
	// Sent are all; each of them is in one of the others, once it has ended.
	Sent, Answered, FailedOnPurpose, Lost int64
	// Releases counts the answers by release.
	Releases map[string]int64
	// Causes counts what was lost by cause, Losses has the first of them.
	Causes map[string]int64
	Losses []Loss
	// Late is by how much each was sent too late, by this program or the machine; Took how long each took that was answered, from
	// when it was due, the slow ones left out. Milliseconds.
	Late, Took []float32
	// LostFrom and LostTo are when the first and the last of the lost ones were sent.
	LostFrom, LostTo time.Time
}

// lossesKept bounds Losses.
const lossesKept = 1000

func newTally() Tally { return Tally{Releases: map[string]int64{}, Causes: map[string]int64{}} }

func (t *Tally) add(o outcome) {
	t.Late = append(t.Late, milliseconds(o.began.Sub(o.due)))
	if o.answer.release != "" && o.lost == "" {
		t.Releases[o.answer.release]++
	}
	switch {
	case o.lost != "":
		t.lose(o)
		return
	case o.answer.fault:
		t.FailedOnPurpose++
	default:
		t.Answered++
	}
	if !o.slow {
		t.Took = append(t.Took, milliseconds(o.ended.Sub(o.due)))
	}
}

func (t *Tally) lose(o outcome) {
	t.Lost++
	t.Causes[o.lost]++
	if t.LostFrom.IsZero() || o.began.Before(t.LostFrom) {
		t.LostFrom = o.began
	}
	if o.began.After(t.LostTo) {
		t.LostTo = o.began
	}
	if len(t.Losses) < lossesKept {
		t.Losses = append(t.Losses, Loss{Due: o.due, Began: o.began, Ended: o.ended, Target: o.target, Kept: o.kept, Reused: o.reused, Slow: o.slow, Cause: o.lost})
	}
}

// Ended are those of which is known what became of them.
func (t Tally) Ended() int64 { return t.Answered + t.FailedOnPurpose + t.Lost }

// clone copies what is changed in place; what is only appended to is shared.
func (t Tally) clone() Tally {
	t.Releases, t.Causes = maps.Clone(t.Releases), maps.Clone(t.Causes)
	t.Losses, t.Late, t.Took = slices.Clip(t.Losses), slices.Clip(t.Late), slices.Clip(t.Took)
	return t
}

// Why lists the causes of losses, the most frequent first.
func (t Tally) Why() string {
	causes := slices.SortedFunc(maps.Keys(t.Causes), func(a, b string) int { return int(t.Causes[b] - t.Causes[a]) })
	for i, c := range causes {
		causes[i] = fmt.Sprintf("%d × %s", t.Causes[c], c)
	}
	return strings.Join(causes, ", ")
}

func milliseconds(d time.Duration) float32 { return float32(d.Seconds() * 1000) }
