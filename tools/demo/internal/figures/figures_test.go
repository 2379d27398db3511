package figures_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/figures"
)

func TestQuantile(t *testing.T) {
	for name, c := range map[string]struct {
		sample figures.Sample
		q      float64
		want   float64
	}{
		"lowest":              {figures.Sample{3, 1, 2}, 0, 1},
		"highest":             {figures.Sample{3, 1, 2}, 1, 3},
		"median of odd":       {figures.Sample{9, 1, 2}, 0.5, 2},
		"median of even":      {figures.Sample{4, 1, 2, 3}, 0.5, 2.5},
		"lower quartile":      {figures.Sample{1, 2, 3, 4}, 0.25, 1.75},
		"quartile of five":    {figures.Sample{5, 4, 3, 2, 1}, 0.75, 4},
		"one value":           {figures.Sample{7}, 0.99, 7},
		"nothing was counted": {nil, 0.5, math.NaN()},
	} {
		if got := c.sample.Quantile(c.q); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	sample := figures.Sample{2, 1}
	if sample.Quantile(0.5); sample[0] != 2 {
		t.Error("the sample was put into another order")
	}
}

func TestReached(t *testing.T) {
	median := figures.Lower("bad for, median", 1.6, "s")
	higher := figures.Figure{Value: 1, Better: "higher"}.AtMost(2)
	if !median.Reached() || !median.AtMost(1.6).Reached() || median.AtMost(1.5).Reached() || higher.Reached() {
		t.Error("1.6 must reach no goal and 1.6, and not 1.5; 1 must not reach 2 where higher is better")
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench", "x.json")
	for want, list := range map[string][]figures.Figure{
		"[]\n": nil,
		"[\n  {\n    \"name\": \"a, median\",\n    \"value\": 2,\n    \"unit\": \"s\",\n    \"goal\": 3,\n    \"better\": \"lower\"\n  }\n]\n": {figures.Sample{1, 3}.Figures("a", "s", []figures.Point{{Name: "median", Share: 0.5}})[0].AtMost(3)},
		"[\n  {\n    \"name\": \"b\",\n    \"value\": 1,\n    \"unit\": \"\",\n    \"goal\": null,\n    \"better\": \"lower\"\n  }\n]\n":       {figures.Lower("b", 1, "")},
	} {
		if err := figures.Write(path, list); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("written %s, %v, want %s", got, err, want)
		}
	}
}
