package analysis

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func portion(x float64) *float64 { return &x }

func whole() Config {
	return Config{
		Confidence: 0.99, MinRequests: 100,
		Errors:  &ErrorRule{MaxRate: portion(0.05), VersusStable: true, Margin: 0.01},
		Latency: &LatencyRule{Threshold: 400 * time.Millisecond, MaxRatio: portion(0.05), VersusStable: true},
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"whole":              {func(*Config) {}, nil},
		"no rule":            {func(c *Config) { c.Errors, c.Latency = nil, nil }, nil},
		"ends":               {func(c *Config) { *c.Errors.MaxRate, *c.Latency.MaxRatio, c.Errors.Margin, c.MinRequests = 0, 1, 1, 0 }, nil},
		"confidence 0":       {func(c *Config) { c.Confidence = 0 }, []string{"confidence"}},
		"confidence 1":       {func(c *Config) { c.Confidence = 1 }, []string{"confidence"}},
		"confidence percent": {func(c *Config) { c.Confidence = 99 }, []string{"confidence"}},
		"not a number": {
			func(c *Config) {
				nan := math.NaN()
				c.Confidence, *c.Errors.MaxRate, c.Errors.Margin, *c.Latency.MaxRatio = nan, nan, nan, nan
			},
			[]string{"confidence", "errors.max_rate", "errors.margin", "latency.max_ratio"},
		},
		"below": {
			func(c *Config) {
				*c.Errors.MaxRate, c.Errors.Margin, *c.Latency.MaxRatio, c.Latency.Threshold, c.MinRequests = -0.1, -0.1, -0.1, 0, -1
			},
			[]string{"min_requests", "errors.max_rate", "errors.margin", "latency.threshold", "latency.max_ratio"},
		},
		"above": {
			func(c *Config) { *c.Errors.MaxRate, c.Errors.Margin, *c.Latency.MaxRatio = 5, 1.1, math.Inf(1) },
			[]string{"errors.max_rate", "errors.margin", "latency.max_ratio"},
		},
		"rules of nothing": {
			func(c *Config) { c.Errors, c.Latency = &ErrorRule{}, &LatencyRule{Threshold: time.Second} },
			[]string{"errors", "latency"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := whole()
			c.change(&config)
			var got []string
			for _, p := range Validate(config) {
				got = append(got, strings.Join(p.Path, "."))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("problems at %q, want %q", got, c.want)
			}
			judge, err := New(config)
			if (err != nil) != (len(c.want) > 0) || (judge != nil) != (len(c.want) == 0) {
				t.Errorf("New: %v, %v", judge, err)
			}
			for _, path := range c.want {
				if !strings.Contains(err.Error(), path+": ") {
					t.Errorf("New: %q does not name %s", err, path)
				}
			}
		})
	}
}
