package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// lookback is how long the server answers with a sample that is not followed by another.
const lookback = 5 * time.Minute

// resolution is how often the server reads what stands behind a placement: by its list of targets, and where it has none (Mimir,
// Thanos) by how far the samples lie apart; 0 where neither tells. Of several the longest, since a judgement needs them all.
// read are the targets that answer, for queries by something else than addresses.
func (c *Prometheus) resolution(ctx context.Context, p service.Placement, read map[target]bool) time.Duration {
	if longest := c.scrapeInterval(ctx, p, read); longest > 0 {
		return longest
	}
	return c.spacing(ctx, p)
}

// scrapeInterval from the targets; 0 where the server does not tell.
func (c *Prometheus) scrapeInterval(ctx context.Context, p service.Placement, read map[target]bool) (longest time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, c.definition.Timeout.D())
	defer cancel()
	u := c.client.URL("/api/v1/targets", nil)
	u.RawQuery = "state=active"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0
	}
	response, body, err := c.client.Do(ctx, request) //nolint:bodyclose // it is closed there
	if err != nil || response.StatusCode != http.StatusOK {
		return 0
	}
	// The library's type lacks the interval.
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				Labels         map[string]string `json:"labels"`
				ScrapeInterval string            `json:"scrapeInterval"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0
	}
	for _, t := range answer.Data.ActiveTargets {
		addressed := slices.ContainsFunc(p.Instances, func(i service.Instance) bool { return i.Address == t.Labels["instance"] })
		if !addressed && !read[target{t.Labels["job"], t.Labels["instance"]}] {
			continue
		}
		if interval, err := model.ParseDuration(t.ScrapeInterval); err == nil {
			longest = max(longest, time.Duration(interval))
		}
	}
	return longest
}

// spacing of the samples of requests, or of up, in the last minutes: the median of each series, of which the longest; 0 where there
// are too few.
func (c *Prometheus) spacing(ctx context.Context, p service.Placement) (longest time.Duration) {
	v := valuesOf(p, time.Second)
	expression := `up{instance=~"` + v[instancesPlace] + `"}`
	if c.queries.requests.selector {
		expression = c.queries.requests.with(v)
	}
	value, err := c.evaluate(ctx, fmt.Sprintf("%s[%s]", expression, model.Duration(lookback)), time.Time{})
	if err != nil {
		return 0
	}
	matrix, _ := value.(model.Matrix)
	for _, series := range matrix {
		var gaps []time.Duration
		for i := 1; i < len(series.Values); i++ {
			gaps = append(gaps, series.Values[i].Timestamp.Sub(series.Values[i-1].Timestamp))
		}
		if len(gaps) == 0 {
			continue
		}
		slices.Sort(gaps)
		longest = max(longest, gaps[len(gaps)/2].Round(100*time.Millisecond))
	}
	return longest
}

// tooOld is the age from which a sample says nothing about now: some scrapes were missed.
func tooOld(resolution time.Duration) time.Duration {
	if resolution <= 0 {
		resolution = time.Minute // the server's default
	}
	return max(3*resolution, resolution+10*time.Second)
}

// window is the shortest interval that a count by increase() can be asked for: a good answer needs some samples in it.
func window(resolution time.Duration) time.Duration {
	if resolution <= 0 {
		resolution = time.Minute
	}
	return 4 * resolution
}

// quick is the age up to which no sample is too old, however often one is due.
const quick = 10 * time.Second
