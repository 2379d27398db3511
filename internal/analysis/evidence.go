package analysis

import (
	"math"
	"time"
)

// ratios are the alternatives that evidence is averaged over: how many times larger the odds of a bad one are than the
// hypothesis allows. Small ones find small faults after many events, large ones find outages within a few. parts are their parts in the mean.
var (
	ratios = perRatio{1.5, 2, 3, 5, 10, 100, 1000}
	parts  = perRatio{0.06, 0.09, 0.13, 0.16, 0.21, 0.18, 0.17}

	logRatios, logParts = ratios.log(), parts.log()
)

// perRatio is one number for each of ratios.
type perRatio [7]float64

func (p perRatio) log() perRatio {
	for i, x := range p {
		p[i] = math.Log(x)
	}
	return p
}

// A fault may be there from the beginning or from a step on, or begin at any time: parts of the evidence are staked on each.
const (
	// stakeAtOnce of all evidence is staked on a candidate that is bad from its first request.
	stakeAtOnce = 0.85
	// stakeAtStep of what is left is staked on one that is bad from the beginning of a step.
	stakeAtStep = 0.2
	// patience sets how fast the rest is staked on faults that begin later: 1/(t + patience) of it at time t.
	patience = 60 * time.Second
)

// process is an e-process: evidence against a hypothesis about all that was seen so far. It is the mean, over the ratios
// and over the times at which a fault may begin, of the likelihood ratio of what was seen since then:
//
//	E(t) = idle(t) + sum over s <= t of stake(s) * mean over r of L_r(s, t)
//
// Under the hypothesis each factor of L_r has an expectation of at most 1 given what came before, a stake is fixed before
// what it is staked on, and what is not staked yet counts 1: so E has an expectation of at most 1 at every stopping time, and by
// Ville's inequality it ever reaches 1/α with a probability of at most α. One may look at any time, and stop at any time.
//
// Staking on all beginnings costs little, and makes it forget: a likelihood ratio from the first request on would
// have a long good time outweigh a later fault (Shin, Ramdas, Rinaldo, E-detectors, arXiv 2203.03532; Howard, Ramdas, McAuliffe,
// Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, arXiv 1810.08240, for mixtures).
type process struct {
	// log by ratio of what is staked and what became of it.
	log perRatio
	// idle is what is not staked yet; age the time since the beginning, idleSince that of the last stake.
	idle float64
	age  time.Duration
	// worth is the part that evidence counts for: less than 1 where the hypothesis itself is only known with a risk.
	worth float64
}

func newProcess() process {
	p := process{idle: 1, worth: 1}
	for i := range p.log {
		p.log[i] = math.Inf(-1)
	}
	p.stake(stakeAtOnce)
	return p
}

// stake part of what is idle on a fault that begins now.
func (p *process) stake(part float64) {
	amount := math.Log(p.idle * part)
	p.idle *= 1 - part
	for i := range p.log {
		p.log[i] = logSum(p.log[i], amount+logParts[i])
	}
}

// elapse stakes on a fault that began in the time that passed. It must be called before what was seen then is multiplied.
func (p *process) elapse(took time.Duration) {
	if took <= 0 {
		return
	}
	p.age += took
	p.stake(float64(took) / float64(p.age+patience))
}

// multiply by the logarithms of likelihood ratios.
func (p *process) multiply(gain perRatio) {
	for i := range p.log {
		// Infinite evidence stays infinite: that is a hypothesis that allows none at all.
		if math.IsInf(p.log[i], 1) {
			continue
		}
		p.log[i] += gain[i]
	}
}

// logEvidence is the logarithm of the e-value, with pending not multiplied yet; +Inf at most.
func (p *process) logEvidence(pending perRatio) float64 {
	sum := math.Log(p.idle)
	for i, l := range p.log {
		sum = logSum(sum, l+pending[i])
	}
	return sum + math.Log(p.worth)
}

// logSum is log(exp(a) + exp(b)).
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(a, 0) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// evidence is the e-value that has this logarithm. What is larger than a float64 can be is the largest one, since JSON has no infinity.
func evidence(log float64) float64 { return min(math.Exp(log), math.MaxFloat64) }
