package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// service is how traffic comes. Requests are a second and of both sides together; shares are from 0 to 1.
type service struct {
	rate float64
	// part of the requests that the candidate gets.
	part float64
	// errors is the share of stable's answers that are bad.
	errors float64
}

// usual is the service of the pictures.
var usual = service{rate: 100, part: 0.1, errors: 0.001}

// past is how long stable had run before the release.
const past = time.Hour

// release is one that is looked at.
type release struct {
	service
	config analysis.Config
	// interval between two looks.
	interval time.Duration
	// failing is the share of the candidate's answers that are bad at a time.
	failing func(at time.Duration) float64
	// slow and orders are shares of both sides' requests, where the config judges them.
	slow, orders float64
	// fewer is the part of the orders that the candidate loses.
	fewer float64
}

// always is a candidate whose share of bad answers stays the same.
func always(share float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return share }
}

// seeded is the chance of one run of a picture or a table.
func seeded(name string, run int) rand.Source {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.NewPCG(h.Sum64(), uint64(run)) //nolint:gosec // runs are numbered from 0
}

// look is what one look saw, and what it came to.
type look struct {
	at      time.Duration
	seen    analysis.Look
	verdict analysis.Verdict
}

// watch looks at a release until it has lasted as long as wanted, or each says to stop.
func (r release) watch(chance rand.Source, lasting time.Duration, each func(look) (goOn bool)) error {
	judge, err := analysis.New(r.config)
	if err != nil {
		return fmt.Errorf("judge a release: %w", err)
	}
	judge.Baseline(r.side(chance, past.Seconds()*r.rate, r.errors))
	for at := r.interval; at <= lasting; at += r.interval {
		requests := r.rate * r.interval.Seconds()
		l := analysis.Look{
			Took:      r.interval,
			Candidate: r.side(chance, requests*r.part, r.failing(at)),
			Stable:    r.side(chance, requests*(1-r.part), r.errors),
		}
		if len(r.config.Business) > 0 {
			l.Series = map[string]analysis.Pair{}
			for name := range r.config.Business {
				l.Series[name] = analysis.Pair{
					Candidate: poisson(chance, requests*r.part*r.orders*(1-r.fewer)),
					Stable:    poisson(chance, requests*(1-r.part)*r.orders),
				}
			}
		}
		if !each(look{at, l, judge.Look(l)}) {
			return nil
		}
	}
	return nil
}

// side draws what one side did, whose requests are so many in the mean.
func (r release) side(chance rand.Source, requests, failing float64) analysis.Counts {
	n := poisson(chance, requests)
	c := analysis.Counts{Requests: n, Errors: binomial(chance, n, failing)}
	if r.config.Latency != nil {
		c.Timed, c.Slow, c.Threshold = n, binomial(chance, n, r.slow), r.config.Latency.Threshold
	}
	return c
}

func poisson(chance rand.Source, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: chance}.Rand()
}

func binomial(chance rand.Source, n, share float64) float64 {
	if n <= 0 || share <= 0 {
		return 0
	}
	return distuv.Binomial{N: n, P: share, Src: chance}.Rand()
}
