package analysis

import (
	"math"
	"slices"
)

// Direction says which way a gauge is worse.
type Direction string

// The directions.
const (
	// Up: higher is better, so a lower candidate is worse.
	Up Direction = "up"
	// Down: lower is better, so a higher candidate is worse.
	Down Direction = "down"
	// Either: any difference is worse. What is no direction counts as this one.
	Either Direction = "either"
)

// ranks compares the values that a gauge had on both sides, by the Mann-Whitney test turned into a confidence interval of the
// shift between them. The zero value has seen nothing. Not safe for concurrent use.
//
// The shift is that of the candidate against stable. Its estimate is the Hodges-Lehmann one, the median of all differences
// of a value of the candidate and one of stable. Its confidence interval goes from the (c+1)th smallest to the (c+1)th
// largest difference, where U is at most c with a probability of at most the risk of this test on one side. The candidate is
//
//	worse when the whole interval lies beyond the tolerance, on the side that is worse
//	good  when the whole interval lies within the tolerance, seen from that side (non-inferior; for Either: equivalent)
//
// and the tolerance is a part of the absolute median of stable. A tolerance of 0.05 is what one means by "at least 95 % of
// stable". When that median is 0, so is the tolerance.
//
// It follows Kayenta's judge (spinnaker/kayenta: MannWhitneyClassifier.scala, MannWhitney.scala and NetflixACAJudge.scala
// at a69573b), which takes after R's wilcox.test, in the test, in the estimate, and in judging by the whole interval and by
// direction. It differs in these points:
//   - Kayenta classifies as High when lower bound > 0.25·|estimate|, and as Low when upper bound < -0.25·|estimate|. That
//     tells how surely there is a shift, not how large it is: of 1,000 orders, a shift of one is High as soon as it is known
//     to ±0.7. How large it must be is said apart there, by the ratio of means (effectSize.allowedIncrease and .allowedDecrease),
//     an estimate without an interval. Here one rule says both.
//   - Kayenta tests once, at 98 % two-sided. Here one may look as often as one likes, see spend.
//   - Kayenta takes all values for independent ones. Here only as many are counted as there would be independent ones, see
//     correlationTime, which takes the sides to have shorter memories than the time that was looked at.
//   - Kayenta approximates by the normal distribution and corrects it for ties. Here few values have the exact distribution
//     without ties; with ties a closed interval covers at least as often (G. E. Noether, Wilcoxon confidence intervals for location
//     parameters in the discrete case, J. Am. Stat. Assoc. 62, 1967).
//   - Two constants that differ are a difference there as well, by adding noise to them; here see constantTime.
//
// What it takes for granted: healthy sides have distributions of one shape, and a fault moves the candidate's. A drift that
// both share (time of day) never blames the candidate, since it makes the values correlated and widens both; it may hide for
// long what is wrong. The error of the median of stable in the tolerance is neglected.
//
// Further sources: J. L. Hodges, E. L. Lehmann, Estimates of location based on rank tests, Ann. Math. Stat. 34 (1963); M. Hollander,
// D. A. Wolfe, Nonparametric statistical methods (1973), chapter 4.
type ranks struct {
	candidate, stable series
	// earlier are stable's values from before.
	earlier series
	// test is the last one that was due, and last what the last one that was made found, if known.
	test  int
	last  rankResult
	known bool
}

// rankResult is what is known of the shift at a look. Between two tests it repeats what the last one found.
type rankResult struct {
	// estimate of the shift candidate - stable, with bounds that are wrong with a probability of at most what this test may
	// take of the risk, each, and for Either both together. Before the first test: 0, -Inf and +Inf.
	estimate, lower, upper float64
	// tolerance as a shift: that part of the absolute median of stable.
	tolerance float64
	// candidate and stable count the values measured on each side.
	candidate, stable int
	// missing is the number of values that each side must have more, if it has as few as the other, before the next test.
	missing int
	// independent is the effective number of values of the side that has fewer, at the last look at which a test was due.
	independent int
	// tested: a test was made in this look.
	tested bool
	// worse: the shift is beyond the tolerance; in any look of a release that is no worse with a probability of at most the risk.
	worse bool
	// good: the shift is within the tolerance; in any look of a release that is worse with a probability of at most the risk.
	good bool
}

// add takes in what was measured in one look. What is not finite was not measured on that side.
func (r *ranks) add(candidate, stable float64) {
	r.candidate.add(candidate)
	r.stable.add(stable)
}

// before takes in what stable had in a look, as far apart as those that follow, before there was a candidate. It is not compared,
// as the time of day changes; it tells how long stable's memory is. Without it, a gauge that wanders more slowly than in the
// time that was looked at cannot be told from one that is different: of healthy releases with a gauge that wanders over some 33
// looks, by as much as it is noisy, 12 % were blamed at a risk of 1 %; with 120 looks before, 1.9 %; with 300, 0.5 %.
func (r *ranks) before(stable float64) { r.earlier.add(stable) }

// judge compares the values that were added. Direction, tolerance (a part, at least 0) and risk (of all looks together, above 0
// and below 1) are to be the same in all looks.
func (r *ranks) judge(direction Direction, tolerance, risk float64) rankResult {
	values := min(r.candidate.seen, r.stable.seen)
	if test := testOf(values); test > r.test {
		r.test = test
		risk *= spend(test)
		if direction == Either {
			risk /= 2
		}
		r.compare(direction, tolerance, risk)
	} else {
		r.last.tested = false
	}
	if !r.known {
		r.last.lower, r.last.upper = math.Inf(-1), math.Inf(1)
	}
	r.last.candidate, r.last.stable = r.candidate.seen, r.stable.seen
	r.last.missing = testSize(r.test+1) - values
	return r.last
}

// compare makes a test that may be wrong with a probability of risk on each side, if enough values are independent.
func (r *ranks) compare(direction Direction, tolerance, risk float64) {
	r.last.tested = false
	stableTime := correlationTime(r.stable.kept)
	if len(r.earlier.kept) >= firstTest {
		stableTime = max(stableTime, correlationTime(r.earlier.kept)*apart(r.earlier, r.stable))
	}
	// The candidate is taken to have at least the memory that stable has. One of its own over many lags cannot be told
	// from a fault that begins late.
	candidateTime := max(stableTime*apart(r.stable, r.candidate), neighbourTime(r.candidate.kept))
	n := int(float64(len(r.candidate.kept)) / candidateTime)
	m := int(float64(len(r.stable.kept)) / stableTime)
	r.last.independent = min(n, m)

	d := differences{slices.Sorted(slices.Values(r.candidate.kept)), slices.Sorted(slices.Values(r.stable.kept))}
	outside, enough := d.outside(n, m, risk)
	if !enough {
		return
	}
	l := &r.last
	l.tested, r.known = true, true
	l.estimate, l.lower, l.upper = d.median(), d.nth(outside+1), d.nth(d.len()-outside)
	half := len(d.y) / 2
	l.tolerance = tolerance * math.Abs(d.y[(len(d.y)-1)/2]/2+d.y[half]/2)
	low, high := l.upper < -l.tolerance, l.lower > l.tolerance
	notLow, notHigh := l.lower >= -l.tolerance, l.upper <= l.tolerance
	switch direction {
	case Up:
		l.worse, l.good = low, notLow
	case Down:
		l.worse, l.good = high, notHigh
	default:
		l.worse, l.good = low || high, notLow && notHigh
	}
}

// apart is how many times as far apart the values of one series are as those of another.
func apart(one, other series) float64 { return float64(one.stride) / float64(other.stride) }
