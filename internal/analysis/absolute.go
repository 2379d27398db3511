package analysis

import (
	"math"
	"time"
)

// absolute is the evidence that a share of more than what is allowed is bad. The likelihood ratio of a window is
//
//	r^bad / (1 + allowed·(r-1))^all
//
// which compares odds of r·allowed/(1-allowed) with odds of allowed/(1-allowed). Where bad answers may come in bursts, a window
// adds at most the part of the evidence that one of several needs, and bad answers of it that are beyond chance do not count: less than
// what was seen is on the safe side.
type absolute struct {
	process process
	now     window
	burst   time.Duration
	// most is the logarithm of what one window may add where there may be bursts.
	most float64
	// stands: what is allowed is what stable surely did not exceed. That is so little that most windows have no bad one: where hardly any is
	// allowed, all count.
	stands bool
	// waited is the time since the open window's first look.
	waited time.Duration
	// gained by the open window so far; rested is how many bad ones the evidence rests on, and resting those of the open window.
	gained          perRatio
	rested, resting float64
}

// newAbsolute has several windows break its limit, not one.
func newAbsolute(burst time.Duration, t terms) absolute {
	// A little more than the even part, since not all evidence is staked at once.
	return absolute{process: newProcess(), burst: burst, most: (math.Log(t.limit) + 0.5) / t.minBad}
}

// step begins a step.
func (a *absolute) step() {
	a.close()
	a.process.stake(stakeAtStep)
}

// add what the candidate did. burstless: bad answers come one by one.
func (a *absolute) add(t Tally, took time.Duration, allowed float64, burstless bool) {
	a.addBeside(t, Tally{}, took, allowed, burstless)
}

// addBeside adds stable too, where what is allowed is what that does: it may do worse now than it did before.
func (a *absolute) addBeside(t, stable Tally, took time.Duration, allowed float64, burstless bool) {
	if a.now.took >= a.burst {
		a.close()
	}
	if a.waited += took; !a.now.open() {
		a.process.elapse(a.waited)
		a.waited = 0
	}
	a.now.add(t, stable, took)
	// Without a bad one there is nothing to hold against it before the window is over.
	if a.now.stable.All > 0 && (a.now.candidate.Bad > 0 || a.now.took >= a.burst) {
		allowed = max(allowed, upperBound(a.now.stable, doubtful))
	}
	counted, most := a.now.candidate, math.Inf(1)
	if a.resting = counted.Bad; !burstless && allowed > 0 {
		a.resting, most = min(counted.Bad, 1), a.most
		counted.Bad = min(counted.Bad, a.plausible(allowed*counted.All))
	}
	for i, theta := range logRatios {
		a.gained[i] = min(absoluteGain(counted, theta, allowed), most)
	}
}

// plausible is how many bad ones count of a window in which so many are allowed: as many as chance may have, and one in any case; and more
// than the smallest of ratios needs to be evidence, where so many are allowed that chance has hardly more.
func (a *absolute) plausible(allowed float64) float64 {
	if a.stands && allowed < 1 {
		return math.Inf(1)
	}
	return max(1, byChance(allowed), 1.6*allowed)
}

func (a *absolute) close() {
	a.process.multiply(a.gained)
	a.rested += a.resting
	a.now, a.gained, a.resting = window{}, perRatio{}, 0
}

// doubtful is the risk that stable does worse now than is taken for it: in one window of several that it takes.
const doubtful = 0.05

// absoluteGain is the logarithm of the likelihood ratio. An allowed share of 0 forbids bad ones: a single one is infinite evidence.
// A share of 1 allows all: there is never evidence.
func absoluteGain(t Tally, theta, allowed float64) float64 {
	switch allowed {
	case 0:
		if t.Bad > 0 {
			return math.Inf(1)
		}
		return 0
	case 1:
		return (t.Bad - t.All) * theta // The same as below, without rounding.
	}
	return theta*t.Bad - t.All*logShare(allowed, theta)
}

// judge returns the logarithm of the evidence, and on how many bad ones it rests.
func (a *absolute) judge() (log, events float64) {
	return a.process.logEvidence(a.gained), a.rested + a.resting
}

// upperBound is a share that the true one, by which t was drawn, exceeds with a probability of at most risk: Chernoff's bound,
// n·kl(bad/n, share) = ln(1/risk).
func upperBound(t Tally, risk float64) float64 {
	seen := t.Bad / t.All
	low, high := seen, 1.0
	for range 60 {
		if high-low < high*1e-11 {
			break
		}
		middle := (low + high) / 2
		divergence := 0.0
		if seen > 0 {
			divergence += seen * math.Log(seen/middle)
		}
		if seen < 1 {
			divergence += (1 - seen) * (math.Log1p(-seen) - math.Log1p(-middle))
		}
		if t.All*divergence > -math.Log(risk) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
