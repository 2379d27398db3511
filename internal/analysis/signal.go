package analysis

import (
	"math"
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
	handling     Handling
	// terms that all rules of the release have.
	terms terms

	// threshold is the bound that the source has in place of the wanted one.
	threshold time.Duration
	// baseline is stable's from before.
	baseline Tally

	// gap is what the candidate did while stable was not measured, and gapTook for how long that was.
	gap     Tally
	gapTook time.Duration

	// total since the beginning, step since the last step began.
	total, step sides
	// vouched are checks of this step that passed.
	vouched float64
	// absolute is the evidence that the candidate breaks the limit, worse that it is worse than stable; the latter is kept
	// also where no rule asks for it, to tell whether a fault is shared.
	absolute absolute
	worse    comparison
	// bound is the excess that was last told, of what was bounded.
	bound   float64
	bounded sides
	// failures counts the looks in which the limit was exceeded.
	failures failures
	// since is what both did since the candidate last kept the limit, or was forgiven.
	since sides
	// candidateNow and stableNow tell whether a side breaks the limit now, and restore nothing: a fault that is too young to
	// be told for certain keeps the candidate from passing, and one of stable is an excuse while it lasts.
	candidateNow, stableNow recent
}

// terms of all rules of a release.
type terms struct {
	// limit of the evidence of each rule, and whole that of all rules together, which is also that of going on.
	limit, whole float64
	// minBad events are the least that a restore rests on.
	minBad float64
}

// newSignal completes a signal: allowed is the absolute limit or nil.
func newSignal(s signal, allowed *float64, burst time.Duration) *signal {
	s.candidateNow, s.stableNow = newRecent(s.terms.limit), newRecent(s.terms.limit)
	s.absolute, s.worse = newAbsolute(burst, s.terms), newComparison(burst, s.terms)
	s.failures = failures{total: s.handling.FailureLimit, inARow: s.handling.ConsecutiveFailureLimit}
	s.limit = math.NaN()
	if allowed != nil {
		s.limit = *allowed
	}
	return &s
}

func (s *signal) limited() bool { return !math.IsNaN(s.limit) }

// setBaseline takes what stable did before.
func (s *signal) setBaseline(stable Counts) {
	if s.baseline = s.tally(stable); s.baseline.All > 0 {
		s.worse.setBaseline(s.baseline)
	}
}

func (s *signal) tally(c Counts) Tally { return Tally{Bad: s.bad(c), All: s.all(c)} }

func (s *signal) beginStep() {
	s.absolute.step()
	s.worse.step()
}

func (s *signal) add(l Look) {
	if l.Candidate.Threshold != 0 {
		s.threshold = l.Candidate.Threshold
	}
	candidate, stable := s.tally(l.Candidate), s.tally(l.Stable)
	ill := s.ill()
	s.total.add(candidate, stable)
	s.step.add(candidate, stable)
	s.compare(candidate, stable, l)
	s.candidateNow.add(candidate, ill)
	s.stableNow.add(stable, ill)
	if s.limited() {
		s.absolute.add(candidate, l.Took, s.limit, s.worse.burstless())
		s.failures.add(candidate, s.limit)
		s.since.add(candidate, stable)
		if log, _ := s.absolute.judge(); s.candidateNow.quiet() && log < math.Log(s.terms.limit) {
			s.since = sides{}
		}
	}
}

// compare the candidate with stable, as soon as that is measured.
func (s *signal) compare(candidate, stable Tally, l Look) {
	s.gap, s.gapTook = s.gap.plus(candidate), s.gapTook+l.Took
	if l.Unmeasured {
		return
	}
	s.worse.add(s.gap, stable, s.gapTook)
	s.gap, s.gapTook = Tally{}, 0
}

// early tells whether stable may suffer what breaks the candidate's limit, as far as its few requests tell. Where the candidate has most of the
// requests its evidence is first, also of what both suffer. What speaks against that is the likelihood ratio of stable's requests since
// then, between the limit and the candidate's share: under a shared fault that reaches the limit of the evidence as seldom as any.
func (s *signal) early() bool {
	ours, theirs := s.since.candidate, s.since.stable
	if s.limit == 0 || ours.All == 0 || s.gapTook > 0 || s.worse.traffic.share(window{}) > nobody {
		// One is enough, or failed looks were counted that are no fault yet, or stable cannot be asked, or there is nobody who could suffer.
		return false
	}
	suffered := (ours.Bad + 0.5) / (ours.All + 1)
	told := theirs.Bad*math.Log(s.limit/suffered) + (theirs.All-theirs.Bad)*math.Log((1-s.limit)/(1-suffered))
	return told < math.Log(s.terms.limit)
}

// What counts as a fault of stable where no absolute limit says it: several times what it had before, and not next to nothing.
const (
	illTimes = 3
	illLeast = 0.01
)

// ill is the share of bad ones from which on a side suffers.
func (s *signal) ill() float64 {
	if s.limited() {
		return s.limit
	}
	before := s.baseline.plus(s.total.stable)
	if before.All == 0 {
		return 1
	}
	return min(1, max(illLeast, illTimes*before.Bad/before.All))
}

// stable is what the candidate's step is compared with: the same step's, where stable had traffic, else what is known of before.
func (s *signal) stable() Tally {
	if s.step.stable.All > 0 {
		return s.step.stable
	}
	return s.total.stable.plus(s.baseline)
}

// seen is what the candidate did in this step, checks included.
func (s *signal) seen() Tally { return s.step.candidate.plus(Tally{All: s.vouched}) }

// excess of this step over stable, where a margin asks for it.
func (s *signal) excess() float64 {
	if s.margin == 0 {
		return 0
	}
	now := sides{s.seen(), s.stable()}
	if now != s.bounded {
		s.bounded, s.bound = now, excess(now.candidate, now.stable, 1/s.terms.whole)
	}
	return s.bound
}

// forgive begins the judgement of the absolute limit anew after a shared fault. If it went on with what it has, the end of
// the fault would be a race: whichever side's evidence fell below its limit first would decide whether a good release is blamed.
// To be restored, a release that keeps its limit must now break it twice by chance, so this adds nothing to the error rate.
func (s *signal) forgive() {
	s.absolute = newAbsolute(s.absolute.burst, s.terms)
	s.failures.clear()
	s.since = sides{}
}

// broken tells whether an evidence that rests on so many bad events breaks a rule.
func (s *signal) broken(log, events float64) bool {
	return log >= math.Log(s.terms.limit) && events >= s.terms.minBad
}

// suffers tells whether both sides break the limit now, or fail much more often than stable did before, without the candidate being worse.
func (s *signal) suffers() bool {
	log, events := s.worse.judge()
	return s.stableNow.reaches(s.terms.limit) && s.candidateNow.reaches(s.terms.limit) && !s.broken(log, events)
}

// findings are the state of the signal's rules.
func (s *signal) findings() []finding {
	var findings []finding
	worse, worseEvents := s.worse.judge()
	excused := s.stableNow.reaches(s.terms.limit) && !s.broken(worse, worseEvents)
	add := func(rule, words string, log, events float64, more func(*finding)) {
		f := finding{Judgement: Judgement{
			Rule: rule, Candidate: s.total.candidate, Stable: s.total.stable, Baseline: s.baseline, Threshold: s.threshold,
			Evidence: evidence(log), Limit: s.terms.limit, Broken: s.broken(log, events),
			DryRun: s.handling.DryRun, Uncritical: s.handling.Uncritical,
		}}
		f.sentence = words + "; " + f.weighed(events, s.terms.minBad)
		more(&f)
		findings = append(findings, f)
	}
	counted := s.counted()
	if s.limited() {
		log, events := s.absolute.judge()
		if s.limit == 0 {
			events = math.Inf(1) // None is allowed, so one is enough.
		}
		add(s.limitRule, counted+", allowed "+share(s.limit), log, events, func(f *finding) {
			f.Allowed = s.limit
			f.shared = excused
			f.early = s.early() && !s.broken(worse, worseEvents)
			if f.shared || f.early {
				f.sentence += ", " + s.compared()
			}
			if said, exceeded := s.failures.exceeded(); exceeded {
				f.Broken = true
				f.sentence = said + ": " + f.sentence
			}
			f.Failures = s.failures.failed
		})
	}
	if s.versusStable {
		add(s.stableRule, counted+", "+s.compared(), worse, worseEvents, func(f *finding) {
			f.Margin, f.Excess = s.margin, s.excess()
		})
	}
	return findings
}

// doubts say why a step may not end yet, although no rule is broken. few: with more requests they may well be gone.
func (s *signal) doubts(requests float64) (doubts []doubt) {
	add := func(few bool, text string) { doubts = append(doubts, doubt{text: text, few: few}) }
	if s.limited() && s.candidateNow.reaches(s.terms.limit) {
		add(false, "more than the allowed "+share(s.limit)+" of the latest requests "+s.failed())
	}
	c, st := s.seen(), s.stable()
	if c.All == 0 {
		if s.fault == "" && requests > 0 {
			add(false, "no request of this step was timed")
		}
		return doubts // Too few requests is a reason of its own.
	}
	if s.limited() && c.Bad/c.All > s.limit {
		add(false, percentOf(c)+" of this step "+s.failed()+", above the allowed "+share(s.limit)+" but too few to be sure")
	}
	switch {
	case !s.versusStable:
	case st.All == 0:
		add(false, "stable has had no requests to compare with")
	case s.margin > 0:
		if d := s.excess(); d > s.margin {
			worse := c.Bad/c.All - st.Bad/st.All
			add(worse <= s.margin, "it may be up to "+share(d)+" worse than stable, and "+share(s.margin)+" is the margin ("+
				percentOf(c)+" of this step "+s.failed()+", stable "+percentOf(st)+")")
		}
	}
	return doubts
}
