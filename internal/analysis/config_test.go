package analysis

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func portion(x float64) *float64 { return &x }

func some(n int) *int { return &n }

// business makes a rule the only one of a config's business.
func business(r BusinessRule) func(*Config) {
	return func(c *Config) { c.Business = map[string]BusinessRule{"orders": r} }
}

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
		"bad ones and bursts":          {func(c *Config) { c.MinBad, c.BurstWindow = -1, -time.Second }, []string{"min_bad", "burst_window"}},
		"one bad one and short bursts": {func(c *Config) { c.MinBad, c.BurstWindow = 1, time.Millisecond }, nil},
		"failure limits":               {func(c *Config) { c.Errors.FailureLimit, c.Latency.ConsecutiveFailureLimit = some(0), some(3) }, nil},
		"failure limits below 0": {
			func(c *Config) { c.Errors.FailureLimit, c.Latency.ConsecutiveFailureLimit = some(-1), some(-2) },
			[]string{"errors.failure_limit", "latency.consecutive_failure_limit"},
		},
		"failure limits of no limit": {
			func(c *Config) {
				c.Errors.MaxRate, c.Errors.FailureLimit = nil, some(1)
				c.Latency.MaxRatio, c.Latency.ConsecutiveFailureLimit = nil, some(1)
			},
			[]string{"errors.failure_limit", "latency.consecutive_failure_limit"},
		},
		"margin of latency": {func(c *Config) { c.Latency.Margin = 1.5 }, []string{"latency.margin"}},
		"counter":           {business(BusinessRule{Query: "q", Direction: Up, VersusStableMin: portion(0.95)}), nil},
		"counter, either": {
			business(BusinessRule{Query: "q", Direction: Either, VersusStableMin: portion(0.9), VersusStableMax: portion(1.1)}), nil,
		},
		"gauge of limits":      {business(BusinessRule{Query: "q", Gauge: true, Direction: Down, Max: portion(80), Handling: Handling{FailureLimit: some(1)}}), nil},
		"no query":             {business(BusinessRule{Direction: Up, VersusStableMin: portion(0.95)}), []string{"business.orders.query"}},
		"no direction":         {business(BusinessRule{Query: "q", VersusStableMin: portion(0.95)}), []string{"business.orders.direction"}},
		"no rule of business":  {business(BusinessRule{Query: "q", Direction: Up}), []string{"business.orders"}},
		"bound above up":       {business(BusinessRule{Query: "q", Direction: Up, VersusStableMax: portion(1.1)}), []string{"business.orders.versus_stable_max"}},
		"bound below down":     {business(BusinessRule{Query: "q", Direction: Down, VersusStableMin: portion(0.9)}), []string{"business.orders.versus_stable_min"}},
		"ratio 0":              {business(BusinessRule{Query: "q", Direction: Up, VersusStableMin: portion(0)}), []string{"business.orders.versus_stable_min"}},
		"ratio not a number":   {business(BusinessRule{Query: "q", Direction: Down, VersusStableMax: portion(math.NaN())}), []string{"business.orders.versus_stable_max"}},
		"counter with a limit": {business(BusinessRule{Query: "q", Direction: Down, VersusStableMax: portion(1.1), Max: portion(5)}), []string{"business.orders"}},
		"looks of no limit": {
			business(BusinessRule{Query: "q", Gauge: true, Direction: Up, VersusStableMin: portion(0.9), Handling: Handling{FailureLimit: some(1)}}),
			[]string{"business.orders.failure_limit"},
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

// The confidence is shared by the rules that decide something and that chance can break.
func TestConfidenceIsShared(t *testing.T) {
	c := whole()
	near(t, "four rules", c.Limit(), 400)
	c.Latency.DryRun = true
	near(t, "two of four decide", c.Limit(), 200)
	business(BusinessRule{Query: "q", Direction: Either, VersusStableMin: portion(0.9), VersusStableMax: portion(1.1)})(&c)
	near(t, "two bounds of business", c.Limit(), 400)
	business(BusinessRule{Query: "q", Direction: Up, Gauge: true, Max: portion(1)})(&c)
	near(t, "a limit that chance has no part in", c.Limit(), 200)
	near(t, "no rule", Config{Confidence: 0.99}.Limit(), 100)
}

func TestConfigAndVerdictKeepWhatTheyHoldInJSON(t *testing.T) {
	c := whole()
	c.MinBad, c.BurstWindow = 4, 3*time.Second
	c.Errors.Handling = Handling{FailureLimit: some(0), ConsecutiveFailureLimit: some(3), DryRun: true, Uncritical: true}
	c.Latency.Margin = 0.02
	c.Business = map[string]BusinessRule{
		"orders": {Query: "orders", Direction: Up, VersusStableMin: portion(0.95), Handling: Handling{Uncritical: true}},
		"heap":   {Query: "heap", Gauge: true, Direction: Either, VersusStableMin: portion(0.9), VersusStableMax: portion(1.1), Min: portion(0), Max: portion(1e9)},
	}
	keeps(t, c)
	c.Errors.DryRun = false
	j := judgeOf(t, c)
	j.Baseline(failing(0, 1000))
	draw := seeded(41)
	for range 60 {
		v := j.Look(Look{
			Took: second, Candidate: draw.failing(100, 0.02), Stable: draw.failing(300, 0.01),
			Series: map[string]Pair{"orders": {float64(draw.poisson(5)), float64(draw.poisson(15))}, "heap": {draw.Float64(), draw.Float64()}},
		})
		keeps(t, v)
	}
	keeps(t, looked(judgeOf(t, maxRate(0)), failing(1, 1), Counts{}))
}

// keeps tells whether x comes back from JSON as it was.
func keeps[T any](t *testing.T, x T) {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var back T
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(x, back) {
		t.Errorf("%+v became %+v by %s", x, back, text)
	}
}
