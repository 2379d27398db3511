package analysis

import "math"

// ratios are the alternatives that evidence is averaged over: how many times larger the odds of a marked event may be than
// the hypothesis allows. Small ones find small faults after many events, large ones find outages within a few.
var ratios = [...]float64{1.5, 2, 3, 5, 10, 100, 1000}

var logRatios = func() (logs [len(ratios)]float64) {
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	return logs
}()

// mixture is an e-process: evidence against the hypothesis that each event, given all that came before it, is marked with
// a probability of at most some share. It is the mean over the ratios r of the likelihood ratio of all events,
//
//	r^marked / (1 + share·(r-1))^events
//
// which compares odds of r·share/(1-share) with odds of share/(1-share). Under the hypothesis each factor has an expectation
// of at most 1, whatever the share is from one look to the next, so by Ville's inequality the evidence ever
// reaches 1/α with a probability of at most α: one may look at any time and stop at any time.
//
// One form serves both kinds of rule. For an absolute limit p0, the events are the candidate's requests, the marked ones
// are bad, the share is p0. For the comparison with stable, the events are the bad requests of both sides in one interval,
// the marked ones are the candidate's, and the share is the candidate's part of the interval's requests: when both sides
// fail at one rate, the candidate's part of the bad ones is hypergeometric, and by Hoeffding (1963) convex functions such as
// r^x have no larger mean then than under the binomial distribution that the factor stands for.
//
// Sources: M. Lindon, C. Sanden, V. Shirikian, Rapid Regression Detection in Software Deployments through Sequential
// Testing, arXiv 2205.14762; M. Lindon, A. Malek, Anytime-Valid Inference for Multinomial Count Data, arXiv 2011.03567; S. R. Howard,
// A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, arXiv 1810.08240.
// A fixed grid stands for the conjugate prior, which has no closed form while the share changes between looks.
//
// What it takes for granted: requests fail one by one, not in bursts that share one cause. And what it costs: evidence is
// of the whole path, so each good request outweighs a part of a later bad one. After 60,000 requests of which 1 % were bad, it
// takes some 3,300 bad ones in a row to break a limit of 5 %. A mixture over the time at which a fault begins would cost
// little and mend that.
type mixture struct {
	// log likelihood ratio by ratio.
	log [len(ratios)]float64
	// ceiling, where it is above 0, bounds each log likelihood ratio, and 0 bounds it from below (a CUSUM): what was long ago
	// counts neither for nor against, so it tells what happens now, and is no e-process.
	ceiling float64
}

// add takes in events, marked ones among them. A share of 0 forbids marked events: a single one is infinite evidence.
// A share of 1 allows all: there is never evidence.
func (m *mixture) add(marked, events, share float64) {
	for i, r := range ratios {
		if m.ceiling > 0 {
			m.log[i] = min(max(m.log[i], 0), m.ceiling)
			if share == 0 {
				m.log[i] = 0 // Infinite evidence would never wear off.
			}
		}
		if share == 0 && marked > 0 {
			m.log[i] = math.Inf(1)
			continue
		}
		if share == 1 {
			m.log[i] -= (events - marked) * logRatios[i] // The same as below, without rounding.
			continue
		}
		m.log[i] += marked*logRatios[i] - events*math.Log1p(share*(r-1))
	}
}

// recent makes an empty mixture that tells whether the evidence is at limit now.
func recent(limit float64) mixture {
	// Enough for a single ratio to carry the mean over the limit, and no more.
	return mixture{ceiling: math.Log(limit*float64(len(ratios))) + 1}
}

// discount makes all evidence, that to come too, count for a part of what it is.
func (m *mixture) discount(part float64) {
	for i := range m.log {
		m.log[i] += math.Log(part)
	}
}

// upperBound is a share that the true one, by which t was drawn, exceeds with a probability of at most risk: Chernoff's bound,
// n·kl(bad/n, share) = ln(1/risk).
func upperBound(t Tally, risk float64) float64 {
	seen := t.Bad / t.All
	low, high := seen, 1.0
	for range 60 {
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

// clear forgets all events.
func (m *mixture) clear() { m.log = [len(ratios)]float64{} }

// logEvidence is the logarithm of the e-value, +Inf at most.
func (m *mixture) logEvidence() float64 {
	largest := math.Inf(-1)
	for _, l := range m.log {
		largest = max(largest, l)
	}
	if math.IsInf(largest, 0) {
		return largest
	}
	sum := 0.0
	for _, l := range m.log {
		sum += math.Exp(l - largest)
	}
	return largest + math.Log(sum/float64(len(ratios)))
}

// evidence is the e-value that has this logarithm. What is larger than a float64 can be is the largest one, since JSON has no infinity.
func evidence(log float64) float64 { return min(math.Exp(log), math.MaxFloat64) }
