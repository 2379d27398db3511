package analysis

import (
	"fmt"
	"math"
	"strconv"
)

// finding is a judgement with its words.
type finding struct {
	Judgement
	// shared: stable breaks the rule too, and the candidate is not seen to be worse.
	shared bool
	// early: stable may be about to break it too.
	early    bool
	sentence string
}

// doubt is a reason for which a step may not end yet; few: that more requests may well take away; unmeasured: that a number of the business
// is missing.
type doubt struct {
	text            string
	few, unmeasured bool
}

// weighed says how the evidence stands to its limit.
func (f *finding) weighed(events, least float64) string {
	compare := "<"
	switch {
	case f.Broken:
		compare = "≥"
	case f.Evidence >= f.Limit:
		return fmt.Sprintf("evidence %s ≥ limit %s, on %s bad of the %s that it takes", significant(f.Evidence), significant(f.Limit), number(events), number(least))
	}
	return fmt.Sprintf("evidence %s %s limit %s", significant(f.Evidence), compare, significant(f.Limit))
}

// failed finishes the sentence "3 of 10 requests …".
func (s *signal) failed() string {
	switch {
	case s.fault != "":
		return s.fault
	case s.threshold != 0 && s.threshold != s.wanted:
		return fmt.Sprintf("took longer than %s (the bound that the source has for %s)", s.threshold, s.wanted)
	}
	return "took longer than " + s.wanted.String()
}

func (s *signal) counted() string {
	return fmt.Sprintf("%s %s", proportion(s.total.candidate, " requests "+s.failed()), percent(s.total.candidate))
}

func (s *signal) compared() string {
	compared := fmt.Sprintf("stable %s %s", proportion(s.total.stable, ""), percent(s.total.stable))
	if s.baseline.All > 0 {
		compared += fmt.Sprintf(", before %s %s", proportion(s.baseline, ""), percent(s.baseline))
	}
	return compared
}

func proportion(t Tally, of string) string { return number(t.Bad) + " of " + number(t.All) + of }

func percentOf(t Tally) string { return share(t.Bad / t.All) }

// percent is the tally's share in brackets, for the end of a clause.
func percent(t Tally) string {
	if t.All == 0 {
		return "(no requests)"
	}
	return "(" + percentOf(t) + ")"
}

// share is a share in percent, with as many decimals as it takes to be more than 0.
func share(x float64) string {
	decimals := 1
	for x > 0 && decimals < 20 && 100*x*math.Pow10(decimals) < 1 {
		decimals++
	}
	return strconv.FormatFloat(100*x, 'f', decimals, 64) + " %"
}

// number is a count; those that sources extrapolate have a decimal.
func number(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// significant is a number that matters by its size.
func significant(x float64) string {
	switch {
	case x == math.MaxFloat64:
		return "∞"
	case x >= 1000 && x < 1e6:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
