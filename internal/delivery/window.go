package delivery

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	allowPattern = regexp.MustCompile(`^(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?\s+)?(\d{2}):(\d{2})-(\d{2}):(\d{2})$`)
	weekdays     = map[string]int{"Sun": 0, "Mon": 1, "Tue": 2, "Wed": 3, "Thu": 4, "Fri": 5, "Sat": 6}
)

// ClosedError says that a window is shut, and why.
type ClosedError struct{ Reason string }

func (e *ClosedError) Error() string { return e.Reason }

// Validate tells what cannot be understood, by the name of the attribute; nil if all can.
func (w Window) Validate() map[string]error {
	wrong := map[string]error{}
	if _, err := time.LoadLocation(w.Timezone); err != nil {
		wrong["timezone"] = fmt.Errorf("%q is not a time zone: use an IANA name such as Europe/Amsterdam", w.Timezone)
	}
	for _, a := range w.Allow {
		if _, err := parseAllow(a); err != nil {
			wrong["allow"] = err
		}
	}
	for _, f := range w.Freezes {
		if _, _, err := parseFreeze(f, time.UTC); err != nil {
			wrong["freezes"] = err
		}
	}
	return wrong
}

// Open tells whether a release may be introduced at now: nil, or a *ClosedError.
func (w Window) Open(now time.Time) error {
	zone, err := time.LoadLocation(w.Timezone)
	if err != nil {
		return fmt.Errorf("load the time zone %q: %w", w.Timezone, err)
	}
	local := now.In(zone)
	for _, f := range w.Freezes {
		from, to, err := parseFreeze(f, zone)
		if err != nil {
			return err
		}
		if !local.Before(from) && local.Before(to) {
			return &ClosedError{Reason: fmt.Sprintf("releases are frozen by %s, and it is %s", f, local.Format("2006-01-02 15:04 MST"))}
		}
	}
	if len(w.Allow) == 0 {
		return nil
	}
	for _, a := range w.Allow {
		span, err := parseAllow(a)
		if err != nil {
			return err
		}
		if span.holds(local) {
			return nil
		}
	}
	return &ClosedError{Reason: fmt.Sprintf("releases are allowed %s, and it is %s", strings.Join(w.Allow, ", "), local.Format("Mon 15:04 MST"))}
}

// span is a part of a week: days from to to, minutes of the day begin to end; end before begin goes past midnight.
type span struct{ from, to, begin, end int }

func (s span) holds(t time.Time) bool {
	minute, day := t.Hour()*60+t.Minute(), int(t.Weekday())
	if s.begin < s.end {
		return s.holdsDay(day) && minute >= s.begin && minute < s.end
	}
	return s.holdsDay(day) && minute >= s.begin || s.holdsDay((day+6)%7) && minute < s.end
}

func (s span) holdsDay(day int) bool {
	if s.from <= s.to {
		return day >= s.from && day <= s.to
	}
	return day >= s.from || day <= s.to
}

func parseAllow(text string) (span, error) {
	m := allowPattern.FindStringSubmatch(text)
	wrong := fmt.Errorf("%q is not a time of the week: write \"Mon-Thu 09:00-16:00\", \"Sat 10:00-12:00\" or \"09:00-17:00\"", text)
	if m == nil {
		return span{}, wrong
	}
	s := span{from: 0, to: 6}
	if m[1] != "" {
		s.from = weekdays[m[1]]
		s.to = s.from
	}
	if m[2] != "" {
		s.to = weekdays[m[2]]
	}
	var hm [4]int
	for i := range hm {
		hm[i] = int(m[3+i][0]-'0')*10 + int(m[3+i][1]-'0')
	}
	s.begin, s.end = hm[0]*60+hm[1], hm[2]*60+hm[3]
	if hm[1] > 59 || hm[3] > 59 || s.begin >= 24*60 || s.end > 24*60 || s.begin == s.end {
		return span{}, wrong
	}
	return s, nil
}

// parseFreeze reads a day or a range of days, both included; the end it returns is the midnight after the last one.
func parseFreeze(text string, zone *time.Location) (from, to time.Time, err error) {
	first, last, ranged := strings.Cut(text, "/")
	if !ranged {
		last = first
	}
	from, err = time.ParseInLocation("2006-01-02", first, zone)
	if err == nil {
		to, err = time.ParseInLocation("2006-01-02", last, zone)
	}
	if err != nil || to.Before(from) {
		return from, to, fmt.Errorf("%q is not a freeze: write a day, \"2026-12-24\", or two with a slash, \"2026-12-20/2027-01-03\"", text)
	}
	return from, to.AddDate(0, 0, 1), nil
}
