package delivery_test

import (
	"strings"
	"testing"
)

// A preflight that finds the traffic not where it should be says what it found, and the way out that it names is one.
func TestStableWithoutAllOfTheTraffic(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		weights       map[string]int
		wants, silent []string
	}{
		"moved by hand": {map[string]int{"blue": 60, "green": 40}, []string{"has 60 % of the traffic", "moved by hand", "weights: blue 60 %, green 40 %"}, []string{"differ"}},
		"parts differ":  {map[string]int{"blue": 74, "green": 25}, []string{"the parts of the router differ", "its nodes differ: lb-1 and lb-2"}, []string{"by hand", "a reload", "74 %"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1")
			defer p.close()
			w.set(func() { w.weights = c.weights })
			said := wantSummary(t, p.apply(t.Context(), "2"), "Preflight Failed").Detail()
			for _, want := range append(c.wants, "Apply the configuration of 1") {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said: %s", want, said)
				}
			}
			for _, wrong := range c.silent {
				if strings.Contains(said, wrong) {
					t.Errorf("%q is said: %s", wrong, said)
				}
			}
			if err := p.apply(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			if got := w.weightOf("blue"); got != 100 {
				t.Errorf("blue has %d %%", got)
			}
			if err := p.apply(t.Context(), "2"); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "2")
		})
	}
}
