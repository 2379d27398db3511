package judging

import (
	"fmt"
	"strings"
	"time"
)

// Outcome is one run. Durations are in seconds.
type Outcome struct {
	Setting string `json:"setting"`
	Run     int    `json:"run"`
	// Answers of the candidate that the client got, Bad ones among them, and BadFor the time from the first of these to the last.
	Answers int     `json:"answers"`
	Bad     int     `json:"bad"`
	BadFor  float64 `json:"bad_for"`
	// Lost are requests that nobody answered.
	Lost int `json:"lost"`
	// Decided is the time from the first bad answer to the decision, and Left from there to the candidate's last answer, good or bad:
	// below 0 if that came before.
	Decided float64 `json:"decided,omitempty"`
	Left    float64 `json:"left,omitempty"`
	// Killed: it is a run in which the provider is killed; BadAfterKill is the time from then to the last bad answer, LastAfterKill to
	// the last of all answers of the candidate (both 0 if none came), and Recovered to the end of recover.
	Killed        bool    `json:"killed,omitempty"`
	BadAfterKill  float64 `json:"bad_after_kill,omitempty"`
	LastAfterKill float64 `json:"last_after_kill,omitempty"`
	Recovered     float64 `json:"recovered,omitempty"`
	// Late: the judge had decided before the provider could be killed; such a run is in no figure.
	Late bool `json:"late,omitempty"`
	// Wrong says what did not come out as it must; such a run is in no figure.
	Wrong string `json:"wrong,omitempty"`
}

// blame notes what is wrong, the first cause first.
func (o *Outcome) blame(format string, values ...any) {
	if o.Wrong != "" {
		o.Wrong += "; "
	}
	o.Wrong += fmt.Sprintf(format, values...)
}

// String is a line for people.
func (o Outcome) String() string {
	var parts []string
	parts = append(parts, fmt.Sprintf("run %d: bad for %.2f s, %d bad answers of %d", o.Run, o.BadFor, o.Bad, o.Answers))
	switch {
	case o.Late:
		parts = append(parts, "judged before the provider could be killed")
	case o.Killed:
		parts = append(parts, fmt.Sprintf("provider killed, and after that: last bad answer %.2f s, candidate's last %.2f s, recover done %.2f s",
			o.BadAfterKill, o.LastAfterKill, o.Recovered))
	default:
		parts = append(parts, fmt.Sprintf("decided after %.2f s, last answer %.2f s later", o.Decided, o.Left))
	}
	if o.Wrong != "" {
		parts = append(parts, "WRONG: "+o.Wrong)
	}
	return strings.Join(parts, "; ")
}

func seconds(d time.Duration) float64 { return d.Seconds() }
