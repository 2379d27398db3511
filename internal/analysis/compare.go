package analysis

import (
	"math"
	"time"
)

// comparison is the evidence that the candidate has more bad ones of all than stable. Each bad one is the candidate's
// with a probability of its share of the requests, if both sides fail at one rate, whatever that rate is and however it changes:
// what both suffer is no evidence. The likelihood ratio of a window is
//
//	r^candidate / (1 + share·(r-1))^(candidate+stable)
//
// for bad answers that come one by one (M. Lindon, C. Sanden, V. Shirikian, Rapid Regression Detection in Software Deployments
// through Sequential Testing, arXiv 2205.14762; M. Lindon, A. Malek, Anytime-Valid Inference for Multinomial Count
// Data, arXiv 2011.03567). Given the requests of both sides the candidate's part of the bad ones is hypergeometric, and by Hoeffding (1963)
// r^x has no larger mean then than under the binomial that this stands for. For those that come in bursts see cost.
type comparison struct {
	process process
	now     window
	waited  time.Duration // not staked on yet
	texture texture
	traffic traffic
	// burst is how long a burst may last.
	burst time.Duration
	terms terms
	// known is the evidence against what stable is known by, its baseline and what it did since; nil while there is no baseline. It decides where
	// stable has no traffic worth mentioning, and where it has so little that bad answers of the candidate hardly tell anything beside it.
	known *absolute
	// before is its baseline, past that and what it did since, and most the share that it surely did not exceed.
	past, before Tally
	most         float64
	// clean are stable's requests, from before the release on, as long as none of them was bad; exposure the candidate's.
	clean, exposure float64
	dirty           bool
	// rested is how many of the candidate's bad events the evidence rests on.
	rested float64
}

// untrustworthy is the part of an evidence's probability of error that the bound of a baseline takes.
const untrustworthy = 0.1

// nobody is the candidate's share of the requests beyond which there is nobody left to compare with.
const nobody = 0.98

func newComparison(burst time.Duration, t terms) comparison {
	return comparison{process: newProcess(), burst: burst, terms: t}
}

// wagered is the part of the evidence that is staked on what stable is known by.
const wagered = 0.1

// setBaseline takes what stable did before. How often it fails is not known from that, only bounded, with a probability of error
// that the evidence is discounted for.
func (c *comparison) setBaseline(before Tally) {
	known := newAbsolute(c.burst+c.burst/2, terms{limit: c.terms.limit / wagered, minBad: c.terms.minBad})
	known.stands, known.process.worth = true, 1-untrustworthy
	c.known = &known
	c.dirty = c.dirty || before.Bad > 0
	c.clean += before.All
	c.past = c.past.plus(before)
	c.before = before
	c.bound()
}

// early is how many bad answers of stable its record lets expect until it is left out of account.
const early = 25

// quiet is how many bad answers stable lacks, at the beginning, of those that its record lets expect by chance: then its errors come in
// clumps, and the candidate may have had the first of them. To count them as stable's is on the safe side.
func (c *comparison) quiet() float64 {
	if c.before.All == 0 {
		return 0
	}
	seen := Tally{Bad: c.past.Bad - c.before.Bad, All: c.past.All - c.before.All}
	expected := c.before.Bad / c.before.All * seen.All
	if expected > early {
		return 0
	}
	return max(0, expected-1.5*math.Sqrt(expected)-seen.Bad)
}

// together is how many of stable's bad answers are taken to have come at once, where only their sum is known: then it is known by
// fewer events.
const together = 10

// bound what stable did not exceed.
func (c *comparison) bound() {
	size := max(1, min(together, c.past.Bad))
	c.most = upperBound(Tally{Bad: c.past.Bad / size, All: c.past.All / size}, untrustworthy/c.terms.limit)
}

// step begins a step.
func (c *comparison) step() {
	c.close()
	c.process.stake(stakeAtStep)
	if c.known != nil {
		c.known.step()
	}
	c.traffic = traffic{}
}

func (c *comparison) add(candidate, stable Tally, took time.Duration) {
	c.exposure += candidate.All
	c.clean += stable.All
	c.dirty = c.dirty || stable.Bad > 0
	c.traffic.add(candidate.All, stable.All)
	if c.now.took >= c.length() {
		c.close()
	}
	alone := c.traffic.share(window{candidate: candidate, stable: stable}) > nobody
	c.addKnown(candidate, stable, took, alone)
	switch {
	case alone:
		c.close()
	case c.now.open():
		c.waited += took // That is staked on with the next window.
		c.now.add(candidate, stable, took)
	case candidate.Bad+stable.Bad > 0:
		c.process.elapse(c.waited + took)
		c.waited = 0
		c.now.add(candidate, stable, took)
		if ours, theirs := c.usual(); candidate.Bad <= ours.most && stable.Bad <= theirs.most {
			c.close() // No burst, so there is nothing to wait for.
		}
	default:
		c.waited += took
	}
	c.texture.add(stable, took, c.burst)
}

// addKnown compares with what stable is known by. alone: stable has no traffic worth mentioning.
func (c *comparison) addKnown(candidate, stable Tally, took time.Duration, alone bool) {
	if c.known == nil {
		return
	}
	switch {
	case alone:
		c.known.add(candidate, took, c.most, c.burstless())
	case !c.burstless():
		// It may suffer now what it did not before: where it had no request, that cannot be told.
		if stable.All > 0 || c.known.now.stable.All > 0 {
			c.known.addBeside(candidate, stable, took, c.most, false)
		}
	}
	if c.past = c.past.plus(stable); c.known.now.took >= c.known.burst {
		c.bound() // for the next window
	}
}

// evident is how many bad ones on one side within a window make a burst evident, which may last twice as long: single ones that happen to be
// close are not to wait for each other.
const evident = 3

// length of the open window.
func (c *comparison) length() time.Duration {
	burst := c.burst
	if max(c.now.candidate.Bad, c.now.stable.Bad) >= evident {
		burst *= 2
	}
	return c.texture.length(burst)
}

// close counts the open window in.
func (c *comparison) close() {
	if !c.now.open() {
		return
	}
	gain, events := c.gain()
	c.process.multiply(gain)
	c.rested += events
	c.now = window{}
}

// burstless tells whether stable is known not to fail in bursts: it has had no bad answer at all, in so many more requests than
// the candidate that a burst that is nobody's fault, however rare, is the candidate's before it is stable's with a probability of at most 2/e of
// what all rules together may be wrong with.
func (c *comparison) burstless() bool { return !c.dirty && c.clean >= c.terms.whole/2*c.exposure }

// usual is how many bad ones of the open window came one by one, on both sides.
func (c *comparison) usual() (ours, theirs usual) {
	if c.burstless() {
		return oneByOne, oneByOne
	}
	ours, theirs = c.texture.usual(c.now.candidate.All), c.texture.usual(c.now.stable.All)
	if c.now.stable.Bad < theirs.least {
		// Stable is better than it was, as at the end of a long fault of both. What the candidate still has then is the rest of that, and
		// no number of events.
		return usual{}, usual{}
	}
	return ours, theirs
}

// gain is the logarithm of the open window's likelihood ratio, and how many events of the candidate's it rests on.
func (c *comparison) gain() (gain perRatio, events float64) {
	if !c.now.open() {
		return gain, 0
	}
	candidate, stable := c.now.candidate, c.now.stable
	ours, theirs := c.usual()
	share := c.traffic.share(c.now)
	for i, theta := range logRatios {
		gain[i] = theta*candidate.Bad - cost(candidate.Bad, ours, share, theta) - cost(stable.Bad, theirs, share, theta)
	}
	if events = candidate.Bad; events > ours.most {
		events = ours.mean + 1
	}
	return gain, events
}

// judge returns the logarithm of the evidence, and on how many events it rests.
func (c *comparison) judge() (log, events float64) {
	gain, open := c.gain()
	if quiet := c.quiet(); quiet > 0 {
		share := c.traffic.share(c.now)
		for i, theta := range logRatios {
			gain[i] -= quiet * logShare(share, theta)
		}
	}
	log, events = c.process.logEvidence(gain), c.rested+open
	if c.known != nil {
		known, more := c.known.judge()
		log, events = logSum(log+math.Log(1-wagered), known+math.Log(wagered)), max(events, more)
	}
	return log, events
}
