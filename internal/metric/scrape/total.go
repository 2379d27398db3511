package scrape

import (
	"context"
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// Total returns what was counted since the instances started, as far as they can be read now. It moves no mark.
func (s *sampler) Total(ctx context.Context) (analysis.Counts, error) {
	var total analysis.Counts
	var failed []error
	for i, of := range s.scrape.fetchAll(ctx, s.placement.Instances) {
		err := of.err
		if err == nil {
			var now reading
			if now, err = s.scrape.read(of.exposition, "", s.measure); err == nil {
				total = total.Add(mark{}.until(now))
			}
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.placement.Instances[i].Name, err))
		}
	}
	if len(failed) == len(s.placement.Instances) {
		return analysis.Counts{}, fmt.Errorf("add up the requests of %s: %w", s.placement.Release, errors.Join(failed...))
	}
	return total, nil
}
