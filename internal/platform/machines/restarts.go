package machines

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

const (
	// maxEvents is how many entries of the journal are read: as many as see.sh asks for.
	maxEvents = 200
	// longestToStart is how long it may take from when a start is noted to when systemd begins it: files are written before, and units read.
	longestToStart = 10 * time.Second
)

// death is the end of a main process, or of one that is run before it.
type death struct {
	how    string
	at     time.Time
	before bool
}

// starts of a unit since it was started for its placement, as the journal tells of them.
type starts struct {
	count int
	// last is the invocation, by systemd's id, that the newest one began. first is when the oldest one was; zero where the end of a process is older.
	last  string
	first time.Time
	// entries that they were read from, those of ends among them.
	entries int
}

// event reads an entry of the journal, the newest first.
func (s *sight) event(value string) {
	var entry struct {
		At             string `json:"__REALTIME_TIMESTAMP"`
		Invocation     string `json:"INVOCATION_ID"`
		UserInvocation string `json:"USER_INVOCATION_ID"`
		Code           string `json:"EXIT_CODE"`
		Status         string `json:"EXIT_STATUS"`
		Command        string `json:"COMMAND"`
	}
	if json.Unmarshal([]byte(value), &entry) != nil {
		return // What is not known is not told.
	}
	micro, _ := strconv.ParseInt(entry.At, 10, 64)
	at := time.UnixMicro(micro)
	if at.Before(s.since) {
		return
	}
	s.starts.entries++
	if entry.Status == "" {
		if s.starts.count++; s.starts.count == 1 {
			s.starts.last = cmp.Or(entry.Invocation, entry.UserInvocation)
		}
		s.starts.first = at
		return
	}
	s.starts.first = time.Time{}
	if s.death == (death{}) {
		s.death = death{how: ending(entry.Code, entry.Status), at: at, before: entry.Command == "ExecStartPre"}
	}
}

// restarts since it was started for its placement. systemd counts one twice when it reads its units anew between a death and the start, so where
// the journal knows of all starts, that holds. Else systemd's count does: one too many is of something that died, and one too few hides it.
func (s sight) restarts() int {
	counted := s.number("NRestarts")
	if s.knowsAllStarts() {
		return min(counted, s.starts.count-1)
	}
	return counted
}

// knowsAllStarts tells whether the journal does. It may be behind, or hang, so that the newest ones are missing; or have dropped the oldest ones to
// make room; or have more than was read.
func (s sight) knowsAllStarts() bool {
	newest := s.starts.last != "" && s.starts.last == s.properties["InvocationID"]
	return newest && s.starts.entries < maxEvents && !s.starts.first.IsZero() && s.starts.first.Sub(s.since) < longestToStart
}
