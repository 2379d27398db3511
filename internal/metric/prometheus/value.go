package prometheus

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Value adds up the series called name that have labels, of p, and tells how many there are; none is no error. Other labels may have
// any value; an empty value means that the label is not there. An instance that the server cannot read is an error, since a
// sum without it would be another number.
func (c *Prometheus) Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (float64, int, error) {
	sum, found, err := c.value(ctx, p, name, labels)
	if err != nil {
		return 0, 0, fmt.Errorf("read the series %s of %s: %w", name, p.Release, err)
	}
	return sum, found, nil
}

func (c *Prometheus) value(ctx context.Context, p service.Placement, name string, labels map[string]string) (sum float64, found int, err error) {
	v := valuesOf(p, 0)
	matchers := []string{"__name__=" + strconv.Quote(name)}
	if scope := c.queries.scope.with(v); scope != "" {
		matchers = append(matchers, scope)
	}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		matchers = append(matchers, label+"="+strconv.Quote(labels[label]))
	}
	parts := map[string]part{"value": {expression: "{" + strings.Join(matchers, ",") + "}", selector: true}}
	if c.queries.scope.uses(instancesPlace) {
		parts[upPart] = part{expression: `up{instance=~"` + v[instancesPlace] + `"}`}
	}
	a, err := c.ask(ctx, time.Time{}, parts)
	if err != nil {
		return 0, 0, err
	}
	if err := c.allUp(p, a.parts[upPart]); err != nil {
		return 0, 0, err
	}
	of := a.parts["value"]
	if age := a.at.Sub(of.newest); !of.newest.IsZero() && age > quick {
		if every := c.resolution(ctx, p, nil); age > tooOld(every) {
			return 0, 0, fmt.Errorf("its newest sample is %s old", age.Round(100*time.Millisecond))
		}
	}
	for _, s := range of.series {
		if math.IsNaN(s.value) || math.IsInf(s.value, 0) {
			return 0, 0, fmt.Errorf("%s has the value %g", s.labels, s.value)
		}
		sum += s.value
	}
	return sum, len(of.series), nil
}

// allUp is an error where the server knows the instances and cannot read all of them.
func (c *Prometheus) allUp(p service.Placement, up points) error {
	state := map[string]bool{}
	for _, s := range up.series {
		instance := string(s.labels[model.InstanceLabel])
		state[instance] = state[instance] || s.value == 1
	}
	for _, i := range p.Instances {
		if is, known := state[i.Address]; len(state) > 0 && !is {
			if known {
				return fmt.Errorf("the server cannot read %s at %s: up is 0", i.Name, i.Address)
			}
			return fmt.Errorf("the server has no target at the address of %s, %s", i.Name, i.Address)
		}
	}
	return nil
}
