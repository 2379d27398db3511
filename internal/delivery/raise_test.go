package delivery_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// A candidate that dies, or gets stuck, between two steps gets no more traffic, and one that dies as it gets its weight does not pass there: also
// without an analysis, and without a pause.
func TestDeadCandidateIsNotRaised(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// at which entry of the ledger it happens, and the most traffic that it had.
		at   func(ledger.Event) bool
		dead bool
		most int
		want string
	}{
		"dead before a raise":    {func(e ledger.Event) bool { return passes(e) && *e.Weight == 10 }, true, 10, "died under traffic"},
		"stuck before a raise":   {func(e ledger.Event) bool { return passes(e) && *e.Weight == 10 }, false, 10, "does not answer under traffic, 3 times in a row"},
		"dead at the last step":  {func(e ledger.Event) bool { return reaches(e, 100) }, true, 100, "died under traffic"},
		"stuck at the last step": {func(e ledger.Event) bool { return reaches(e, 100) }, false, 100, "does not answer under traffic, 3 times in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			objects, p := overTheNetwork(t, w, leaseLength)
			defer p.close()
			most := 0
			p.process.before = func(_ int, what string) {
				if what == "weights done" {
					w.set(func() { most = max(most, w.weights["green"]) })
				}
			}
			objects.spoil(func(e ledger.Event) error {
				if e.Release == releaseOf("2") && c.at(e) {
					w.set(func() {
						if c.dead {
							delete(w.running, "green")
						} else {
							w.sick[releaseOf("2")] = true
						}
					})
				}
				return nil
			}, nil)
			e := wantSummary(t, p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}}}), "Release Rolled Back")
			if !strings.Contains(e.What, "failed at its traffic split") || !strings.Contains(e.What, c.want) {
				t.Errorf("it says: %s", e.Detail())
			}
			if most != c.most {
				t.Errorf("it had up to %d %% of the traffic", most)
			}
			stands(t, w, p, "1")
			if n := p.state().Failures[releaseOf("2")]; n != 1 {
				t.Errorf("%d failures on evidence, want 1", n)
			}
		})
	}
}

// reaches tells whether an event says that the candidate is at a weight, before it is judged there.
func reaches(e ledger.Event, weight int) bool {
	return e.Type == ledger.WeightReached && !e.Judged && *e.Weight == weight
}
