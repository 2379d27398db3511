package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// chance draws numbers. The same seed draws the same ones.
type chance struct {
	*rand.Rand
	source rand.Source
}

// seeded is the chance of one run of a case.
func seeded(seed uint64, name string, run int) chance {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	source := rand.NewPCG(seed^h.Sum64(), uint64(run)) //nolint:gosec // runs are numbered from 0
	return chance{rand.New(source), source}            //nolint:gosec // wanted: the same every time
}

// few is up to which mean a count is found by adding up probabilities; beyond, rejection is quicker.
const few = 15

// poisson counts events that come one by one.
func (c chance) poisson(mean float64) int {
	switch {
	case mean <= 0:
		return 0
	case mean > few:
		return int(distuv.Poisson{Lambda: mean, Src: c.source}.Rand())
	}
	u, p, n := c.Float64(), math.Exp(-mean), 0
	for u >= p && p > 0 {
		u -= p
		n++
		p *= mean / float64(n)
	}
	return n
}

// binomial counts marked ones of n, each marked with probability p.
func (c chance) binomial(n int, p float64) int {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - c.binomial(n, 1-p)
	case float64(n)*p > few:
		return int(distuv.Binomial{N: float64(n), P: p, Src: c.source}.Rand())
	}
	u, q, k := c.Float64(), math.Exp(float64(n)*math.Log1p(-p)), 0
	for odds := p / (1 - p); u >= q && k < n; {
		u -= q
		q *= odds * float64(n-k) / float64(k+1)
		k++
	}
	return k
}

// geometric is a size of at least 1, with that mean.
func (c chance) geometric(mean float64) int {
	if mean <= 1 {
		return 1
	}
	return 1 + int(math.Log1p(-c.Float64())/math.Log1p(-1/mean))
}

// gamma is a factor with mean 1 and variance 1/shape.
func (c chance) gamma(shape float64) float64 {
	return distuv.Gamma{Alpha: shape, Beta: shape, Src: c.source}.Rand()
}
