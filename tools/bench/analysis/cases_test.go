package main

import "testing"

// Results are told apart by the names of their cases, and so is chance.
func TestCasesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	see := func(b base) {
		if seen[b.name] {
			t.Errorf("two cases are called %q", b.name)
		}
		seen[b.name] = true
	}
	for _, c := range healthyCases {
		see(c.base)
	}
	seen = map[string]bool{} // Their results begin with another word.
	for _, c := range badCases {
		see(c.base)
	}
}

func TestWhatIsJudgedSharesTheRisk(t *testing.T) {
	for _, g := range []judgement{{}, {latency: true}, {latency: true, business: true}, {maxRate: 0.05}} {
		j, err := g.new(usualMargin)
		if err != nil {
			t.Fatal(err)
		}
		v := g.look(j, 0, tick{candidate: counts{requests: 1}, stable: counts{requests: 9}})
		if limit := v.Judgements[0].Limit; limit*g.alpha() < 1-1e-9 || limit*g.alpha() > 1+1e-9 {
			t.Errorf("%+v: limit %v of the evidence at a risk of %v", g, limit, g.alpha())
		}
	}
}

// So it is asked only where it is measured how long a healthy release takes.
func TestTheMarginRestoresNothing(t *testing.T) {
	restored := 0
	for _, c := range append(badCases[:10:10], badCase{base: healthyCases[18].base}) {
		for run := range 5 {
			plain, err := c.run(seeded(1, c.name, run), c.fault, 0)
			if err != nil {
				t.Fatal(err)
			}
			asked, err := c.run(seeded(1, c.name, run), c.fault, usualMargin)
			if err != nil {
				t.Fatal(err)
			}
			if plain.restored != asked.restored {
				t.Errorf("%s, run %d: restored after %v, with a margin after %v", c.name, run, plain.restored, asked.restored)
			}
			if plain.restored != never {
				restored++
			}
		}
	}
	if restored == 0 {
		t.Error("nothing was restored")
	}
}
