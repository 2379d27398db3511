package analysis

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// sides are the tallies of candidate and stable.
type sides struct{ candidate, stable Tally }

func (s *sides) add(candidate, stable Tally) {
	s.candidate, s.stable = s.candidate.plus(candidate), s.stable.plus(stable)
}

func (t Tally) plus(o Tally) Tally { return Tally{Bad: t.Bad + o.Bad, All: t.All + o.All} }

// signal is one kind of bad request, with the rules about it.
type signal struct {
	limitRule, stableRule string
	// fault finishes the sentence "3 of 10 requests …"; empty where it is that they took longer than wanted.
	fault  string
	wanted time.Duration
	bad    func(Counts) float64
	all    func(Counts) float64
	// limit is the absolute limit of the share of bad requests, NaN for none.
	limit        float64
	versusStable bool
	margin       float64

	// threshold is the bound that the source has in place of the wanted one.
	threshold time.Duration
	// baseline is stable's from before, and most the share that stable surely did not exceed by it; 1 where there is none.
	baseline Tally
	most     float64

	// total since the beginning, step since the last step began.
	total, step sides
	// absolute is the evidence that the candidate breaks the limit, worse that it is worse than stable; the latter is kept
	// also where no rule asks for it, to tell whether a fault is shared.
	absolute, worse mixture
	// candidateNow and stableNow tell whether a side breaks the limit now, and restore nothing: a fault that is too young to
	// outweigh a long good time keeps the candidate from passing, and one of stable is an excuse while it lasts.
	candidateNow, stableNow mixture
}

// newSignal completes a signal: allowed is the absolute limit or nil, limit that of the evidence.
func newSignal(s signal, allowed *float64, limit float64) *signal {
	s.candidateNow, s.stableNow = recent(limit), recent(limit)
	s.limit, s.most = math.NaN(), 1
	if allowed != nil {
		s.limit = *allowed
	}
	return &s
}

func (s *signal) limited() bool { return !math.IsNaN(s.limit) }

// untrustworthy is the part of an evidence's probability of error that the bound of a baseline takes.
const untrustworthy = 0.1

// setBaseline takes what stable did before. How often it fails is not known from that, only bounded, with a probability of
// error that the evidence is discounted for.
func (s *signal) setBaseline(stable Counts, limit float64) {
	if s.baseline = s.tally(stable); s.baseline.All == 0 {
		return
	}
	s.most = upperBound(s.baseline, untrustworthy/limit)
	s.worse.discount(1 - untrustworthy)
}

func (s *signal) tally(c Counts) Tally { return Tally{Bad: s.bad(c), All: s.all(c)} }

func (s *signal) add(candidateCounts, stableCounts Counts) {
	if candidateCounts.Threshold != 0 {
		s.threshold = candidateCounts.Threshold
	}
	candidate, stable := s.tally(candidateCounts), s.tally(stableCounts)
	s.total.add(candidate, stable)
	s.step.add(candidate, stable)
	if s.limited() {
		s.absolute.add(candidate.Bad, candidate.All, s.limit)
		s.candidateNow.add(candidate.Bad, candidate.All, s.limit)
		s.stableNow.add(stable.Bad, stable.All, s.limit)
	}
	switch {
	case candidate.All == 0:
	case stable.All > 0:
		s.worse.add(candidate.Bad, candidate.Bad+stable.Bad, candidate.All/(candidate.All+stable.All))
	case s.baseline.All > 0:
		s.worse.add(candidate.Bad, candidate.All, s.most)
	}
	// Otherwise an interval in which one side had no requests cannot compare them.
}

// stable is what the candidate's step is compared with: the same step's, where stable had traffic, else what is known of before.
func (s *signal) stable() Tally {
	if s.step.stable.All > 0 {
		return s.step.stable
	}
	return s.total.stable.plus(s.baseline)
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

// forgive begins the judgement of the absolute limit anew after a shared fault. If it went on with what it has, the end of
// the fault would be a race: whichever side's evidence fell below its limit first would decide whether a good release is blamed.
// To be restored, a release that keeps its limit must now break it twice by chance, so this adds nothing to the error rate.
func (s *signal) forgive() {
	s.absolute.clear()
	s.candidateNow.clear()
	s.stableNow.clear()
}

// finding is a judgement with its words.
type finding struct {
	Judgement
	// shared: stable breaks the rule too, and the candidate is not seen to be worse.
	shared   bool
	sentence string
}

// judge tells the state of the signal's rules, which are broken when their evidence reaches limit.
func (s *signal) judge(limit float64) []finding {
	var findings []finding
	counted := fmt.Sprintf("%s %s", proportion(s.total.candidate, " requests "+s.failed()), percent(s.total.candidate))
	compared := fmt.Sprintf("stable %s %s", proportion(s.total.stable, ""), percent(s.total.stable))
	if s.baseline.All > 0 {
		compared += fmt.Sprintf(", before %s %s", proportion(s.baseline, ""), percent(s.baseline))
	}
	add := func(rule, words string, log float64, shared bool) {
		broken, compare := log >= math.Log(limit), "<"
		if broken {
			compare = "≥"
		}
		findings = append(findings, finding{
			Judgement: Judgement{
				Rule: rule, Candidate: s.total.candidate, Stable: s.total.stable, Baseline: s.baseline, Threshold: s.threshold,
				Evidence: evidence(log), Limit: limit, Broken: broken,
			},
			shared:   shared,
			sentence: fmt.Sprintf("%s; evidence %s %s limit %s", words, significant(evidence(log)), compare, significant(limit)),
		})
	}
	if s.limited() {
		shared := s.stableNow.logEvidence() >= math.Log(limit) && s.worse.logEvidence() < math.Log(limit)
		words := fmt.Sprintf("%s, allowed %s", counted, share(s.limit))
		if shared {
			words += ", " + compared
		}
		add(s.limitRule, words, s.absolute.logEvidence(), shared)
	}
	if s.versusStable {
		add(s.stableRule, counted+", "+compared, s.worse.logEvidence(), false)
	}
	return findings
}

// doubts say why a step may not end yet, although no rule is broken.
func (s *signal) doubts(limit, requests float64) []string {
	var doubts []string
	if s.limited() && s.candidateNow.logEvidence() >= math.Log(limit) {
		doubts = append(doubts, fmt.Sprintf("more than the allowed %s of the latest requests %s", share(s.limit), s.failed()))
	}
	c, st := s.step.candidate, s.stable()
	if c.All == 0 {
		if s.fault == "" && requests > 0 {
			doubts = append(doubts, "no request of this step was timed")
		}
		return doubts // Too few requests is a reason of its own.
	}
	if s.limited() && c.Bad/c.All > s.limit {
		doubts = append(doubts, fmt.Sprintf("%s of this step %s, above the allowed %s but too few to be sure", percentOf(c), s.failed(), share(s.limit)))
	}
	switch {
	case s.versusStable && st.All == 0:
		doubts = append(doubts, "stable has had no requests to compare with")
	case s.versusStable && s.margin > 0 && c.Bad/c.All-st.Bad/st.All > s.margin:
		doubts = append(doubts, fmt.Sprintf("%s of this step %s, more than %s above stable's %s", percentOf(c), s.failed(), share(s.margin), percentOf(st)))
	}
	return doubts
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
