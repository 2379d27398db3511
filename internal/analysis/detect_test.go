package analysis

import (
	"slices"
	"testing"
)

// faulty is a release that turns bad.
type faulty struct {
	config Config
	// baseline of good requests before the release, 0 for none.
	baseline     float64
	rate, weight float64
	// stable's share of bad ones, the candidate's before it turns bad after so many looks, and then.
	stable, fault float64
	after         int
	outages       []outage
}

// found is after how many looks of the fault it is restored, at most so many; more than that for never.
func (f faulty) found(t *testing.T, draw chance, most int) int {
	j := judgeOf(t, f.config)
	j.Baseline(failing(0, f.baseline))
	s := &stream{chance: draw, rate: f.rate, weight: f.weight, every: second}
	for look := range f.after + most {
		ours, theirs := f.stable, f.stable
		if look >= f.after {
			ours = f.fault
		}
		for _, o := range f.outages {
			if look >= o.begin && look < o.end {
				ours, theirs = o.bad, o.bad
			}
		}
		c, st := s.requests()
		if looked(j, s.failing(c, ours), s.failing(st, theirs)).Decision != Restore {
			continue
		}
		if look < f.after {
			return 0 // By chance.
		}
		return look - f.after + 1
	}
	return most + 1
}

func TestFaultsAreFound(t *testing.T) {
	const runs = 24
	limited := whole()
	limited.Errors.Margin = 0
	for name, c := range map[string]struct {
		faulty
		// median and most are the looks within which it is found.
		median, most int
	}{
		"half over nothing, at once":           {faulty{config: versusStable(), baseline: 1e5, rate: 100, weight: 0.1, fault: 0.5}, 1, 4},
		"all rules":                            {faulty{config: limited, baseline: 1e5, rate: 100, weight: 0.1, fault: 0.5}, 2, 5},
		"without a baseline":                   {faulty{config: versusStable(), rate: 100, weight: 0.1, fault: 0.5}, 9, 12},
		"over a dirty stable":                  {faulty{config: versusStable(), rate: 100, weight: 0.1, stable: 0.01, fault: 0.5, after: 60}, 18, 30},
		"after 20 minutes":                     {faulty{config: versusStable(), baseline: 1e7, rate: 100, weight: 0.1, fault: 0.5, after: 1200}, 2, 5},
		"after 20 minutes without a baseline":  {faulty{config: versusStable(), rate: 100, weight: 0.1, fault: 0.5, after: 1200}, 10, 14},
		"after 20 minutes over a dirty stable": {faulty{config: versusStable(), rate: 100, weight: 0.1, stable: 0.01, fault: 0.5, after: 1200}, 28, 45},
		"over the limit after 20 minutes":      {faulty{config: maxRate(0.05), baseline: 1e7, rate: 100, weight: 0.1, fault: 0.5, after: 1200}, 3, 6},
		"the same without a baseline":          {faulty{config: maxRate(0.05), rate: 100, weight: 0.1, fault: 0.5, after: 1200}, 22, 30},
		"after a shared outage":                {faulty{config: limited, rate: 100, weight: 0.1, stable: 0.001, fault: 0.5, after: 200, outages: []outage{{100, 130, 0, 1}}}, 20, 60},
		"20 times as many":                     {faulty{config: versusStable(), baseline: 1e5, rate: 100, weight: 0.1, stable: 0, fault: 0.05}, 10, 25},
		"ten times as many":                    {faulty{config: versusStable(), rate: 100, weight: 0.1, stable: 0.001, fault: 0.01}, 120, 400},
		"at 100 %, against a baseline":         {faulty{config: versusStable(), baseline: 1e5, rate: 100, weight: 1, fault: 0.5}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draw, found := seeded(47), []int{}
			for range runs {
				found = append(found, c.found(t, draw, c.most+100))
			}
			slices.Sort(found)
			t.Logf("median %d, %d at most", found[runs/2], found[runs-1])
			if found[runs/2] > c.median || found[runs-1] > c.most {
				t.Errorf("found after %d looks in the median, %d at most, want %d and %d", found[runs/2], found[runs-1], c.median, c.most)
			}
		})
	}
}

// What began late is found nearly as fast as what was there from the beginning: that is what stakes on later times are for.
func TestALateFaultIsFoundNearlyAsFast(t *testing.T) {
	const runs = 30
	at := func(after int) (total int) {
		draw := seeded(53)
		for range runs {
			total += faulty{config: versusStable(), baseline: 1e7, rate: 20, weight: 0.25, fault: 0.1, after: after}.found(t, draw, 200)
		}
		return total
	}
	early, late := at(0), at(1200)
	t.Logf("after %.1f looks in the mean from the beginning, after %.1f later", float64(early)/runs, float64(late)/runs)
	if late > 3*early {
		t.Errorf("after %.1f looks in the mean from the beginning, after %.1f later", float64(early)/runs, float64(late)/runs)
	}
}

// A fault that a long good time outweighs in sum must not pass for good service.
func TestAFreshFaultDoesNotPassAfterALongGoodTime(t *testing.T) {
	j := judgeOf(t, maxRate(0.05))
	for range 600 {
		if v := looked(j, failing(1, 100), Counts{}); v.Decision != Pass {
			t.Fatalf("%+v", v)
		}
	}
	for look := range 20 {
		switch v := looked(j, failing(100, 100), Counts{}); v.Decision {
		case Pass:
			t.Fatalf("look %d of an outage: %s", look+1, v.Reason)
		case Restore:
			t.Logf("restored after %d looks of an outage", look+1)
			return
		}
	}
	t.Error("never restored")
}
