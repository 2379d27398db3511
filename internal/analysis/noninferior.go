package analysis

import "math"

// excess is how much larger than stable's share the candidate's may still be, with a probability of error of at most risk however
// often one looks: the smallest difference d for which "the candidate's share is at least stable's + d" is refuted. 1 where
// nothing is known of the candidate.
//
// For each stable share p, the evidence against p and that against a candidate's share of p + d are e-processes (Robbins' mixture
// of the binomial likelihood over a Beta distribution, which has a closed form), independent of each other, so their product is
// one; the hypothesis is refuted when the least of them over all p reaches 1/risk. Sources: H. Robbins, Statistical Methods Related to
// the Law of the Iterated Logarithm, 1970; Howard, Ramdas, McAuliffe, Sekhon, arXiv 1810.08240, section 3.
func excess(candidate, stable Tally, risk float64) float64 {
	if candidate.All == 0 || stable.All == 0 {
		return 1
	}
	ours, theirs := newBinomial(candidate), newBinomial(stable)
	low, high := max(0, candidate.Bad/candidate.All-stable.Bad/stable.All), 1.0
	// Its logarithm is what matters: to a hundredth of the value.
	for range 24 {
		middle := (low + high) / 2
		if refuted(ours, theirs, middle, -math.Log(risk)) {
			high = middle
		} else {
			low = middle
		}
		if high-low < high/100 {
			break
		}
	}
	return high
}

// refuted tells whether the least evidence against a candidate's share that is d above stable's reaches limit, a logarithm.
func refuted(candidate, stable binomial, d, limit float64) bool {
	// The evidence is convex in p, since the likelihoods are concave in logarithm: the least is where its slope is 0.
	low, high := 0.0, 1-d
	for range 45 {
		p := (low + high) / 2
		if candidate.slope(p+d)+stable.slope(p) > 0 {
			high = p
		} else {
			low = p
		}
	}
	least := candidate.against(low+d) + stable.against(low)
	return min(least, candidate.against(high+d)+stable.against(high)) >= limit
}

// binomial is the evidence of a tally against shares of bad ones.
type binomial struct {
	bad, good float64
	// mixed is the logarithm of the likelihood, mixed over the Beta distribution.
	mixed float64
}

// Shares of bad ones are small: the Beta distribution that the likelihoods are mixed over has a mean of 1 %.
const priorBad, priorGood = 0.5, 49.5

func newBinomial(t Tally) binomial {
	b := binomial{bad: t.Bad, good: t.All - t.Bad}
	b.mixed = logBeta(priorBad+b.bad, priorGood+b.good) - logBeta(priorBad, priorGood)
	return b
}

// against is the logarithm of the evidence against a share of p.
func (b binomial) against(p float64) float64 {
	log := b.mixed
	if b.bad > 0 {
		log -= b.bad * math.Log(p)
	}
	if b.good > 0 {
		log -= b.good * math.Log1p(-p)
	}
	return log
}

// slope of the evidence in p.
func (b binomial) slope(p float64) float64 { return b.good/(1-p) - b.bad/p }

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// Needed is how many requests of a candidate that is as good as stable it takes until it is shown that its share of bad ones is at
// most margin larger, when a share of stable's requests is bad and weight of the requests, above 0 and up to 1, are the
// candidate's: an expectation, for a plan. Infinite where a billion would not do.
func Needed(confidence, margin, bad, weight float64) float64 {
	if margin <= 0 {
		return 0
	}
	const most = 1e9
	enough := func(n float64) bool {
		other := n * (1 - weight) / weight
		if weight >= 1 {
			other = 100 * n // stable is known from before
		}
		return excess(Tally{bad * n, n}, Tally{bad * other, other}, 1-confidence) <= margin
	}
	high := 1.0
	for ; !enough(high); high *= 2 {
		if high > most {
			return math.Inf(1)
		}
	}
	for low := high / 2; high/low > 1.01; {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Ceil(high)
}
