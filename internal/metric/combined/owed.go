package combined

import (
	"maps"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// owed are values of business series, by name, that a source told in samples that failed for another's sake: they are of the next one.
type owed map[string]float64

// settle is what a sample says together with what is owed: the sum of a counter's increases, and the newer value of a gauge. What has no value
// in the sample for a reason stays owed.
func (o owed) settle(of delivery.Sample, asked map[string]delivery.Series) (series map[string]float64, rest owed) {
	series = maps.Clone(of.Series)
	for name, value := range o {
		now, told := of.Series[name]
		switch {
		case told && asked[name].Gauge: // an older value is nothing to a newer one
		case of.Missing[name] != nil && asked[name].Gauge:
		case of.Missing[name] != nil:
			rest = rest.and(map[string]float64{name: value})
		default:
			series = owed(series).and(map[string]float64{name: now + value})
		}
	}
	return series, rest
}

// and is what is owed, with these values beside it, or in the place of those of the same names.
func (o owed) and(values map[string]float64) owed {
	if len(values) == 0 {
		return o
	}
	both := owed{}
	maps.Copy(both, o)
	maps.Copy(both, values)
	return both
}
