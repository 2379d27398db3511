package delivery

import "time"

// schedule is when a judge looks at a candidate: an interval after the last look began.
type schedule struct {
	interval time.Duration
	// timer tells when the next look is due, or, once done is set, that the pause is over.
	timer *time.Timer
	// began is when the last one did, or all of them.
	began time.Time
	// pause is when the last look is to end; zero: there is no last one, or it is behind us.
	pause time.Time
	// last: the next look, or the one that is under way, is the last one. done: it is behind us; who goes on, looks on.
	last, done bool
}

func newSchedule(interval time.Duration) *schedule {
	return &schedule{interval: interval, timer: time.NewTimer(interval), began: time.Now()}
}

// endWith has the last look end with a pause, as nearly as can be told.
func (s *schedule) endWith(pause time.Time) {
	s.pause = pause
	s.wait(0)
}

func (s *schedule) begin() { s.began = time.Now() }

func (s *schedule) end() {
	if s.last {
		s.timer.Reset(time.Until(s.pause))
		s.pause, s.last, s.done = time.Time{}, false, true
		return
	}
	s.wait(time.Since(s.began))
}

// wait for the next look; the last one took so long.
func (s *schedule) wait(took time.Duration) {
	var due time.Time
	due, s.last = nextLook(s.began, s.pause, s.interval, took)
	s.timer.Reset(time.Until(due))
}

// nextLook is when the next look is due, an interval after the one that began, or when that one is over. Where it would not end within the pause if it takes
// as long as that one took, it is the last, and is begun as much earlier as it would take longer, or right away. With no pause there is none.
func nextLook(began, pause time.Time, interval, took time.Duration) (due time.Time, last bool) {
	due = began.Add(max(interval, took))
	if pause.IsZero() || due.Add(took).Before(pause) {
		return due, false
	}
	return pause.Add(-took), true
}
