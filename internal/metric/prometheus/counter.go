package prometheus

import (
	"fmt"
	"maps"
	"math"

	"github.com/prometheus/common/model"
)

// maxCount is the largest count that a float64 tells from the next one.
const maxCount = 1 << 53

// target is what is scraped as one: an instance of a job. Series without it belong to one that is there from the beginning.
type target struct{ job, instance string }

func targetOf(m model.Metric) target { return target{string(m["job"]), string(m[model.InstanceLabel])} }

// counter is the mark of what one query counts. The rules are those of internal/metric/scrape: a total that fell was reset, and what it
// has now is new; a series that is new at a target that was read before began at 0 there; a target that is read for the first time
// after the mark sets its own; a series that is gone keeps its total for when it comes back.
type counter[T any] struct {
	known map[target]bool
	marks map[model.Fingerprint]T
}

// moved returns what was counted by series since c's mark, and the mark that comes after. up are the targets that are read now.
func (c counter[T]) moved(now map[model.Fingerprint]T, of map[model.Fingerprint]target, up map[target]bool, since func(before, now T) T) (map[model.Fingerprint]T, counter[T]) {
	next := counter[T]{known: maps.Clone(c.known), marks: maps.Clone(c.marks)}
	if next.known == nil {
		next.known, next.marks = map[target]bool{{}: true}, map[model.Fingerprint]T{}
	}
	maps.Copy(next.known, up)
	counted := map[model.Fingerprint]T{}
	for series, total := range now {
		next.marks[series] = total
		next.known[of[series]] = true
		if c.known[of[series]] {
			counted[series] = since(c.marks[series], total)
		}
	}
	return counted, next
}

func increase(before, now float64) float64 {
	if now < before {
		return now
	}
	return now - before
}

// count refuses what no count can be.
func count(p point) (float64, error) {
	if math.IsNaN(p.value) || math.IsInf(p.value, 0) || p.value < 0 || p.value > maxCount {
		return 0, fmt.Errorf("the series %s has the value %g, which is no count", p.labels, p.value)
	}
	return p.value, nil
}

// totals of the series of p, with their targets.
func totals(p points) (map[model.Fingerprint]float64, map[model.Fingerprint]target, error) {
	values, targets := map[model.Fingerprint]float64{}, map[model.Fingerprint]target{}
	for _, s := range p.series {
		value, err := count(s)
		if err != nil {
			return nil, nil, err
		}
		id := s.labels.Fingerprint()
		values[id], targets[id] = value, targetOf(s.labels)
	}
	return values, targets, nil
}
