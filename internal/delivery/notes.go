package delivery

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// judged is a look that changed something, as the ledger keeps it: enough to draw the judgement of a release later.
type judged struct {
	Weight int `json:"weight"`
	// At is when it was looked, on the store's clock: it is written a little later.
	At       time.Time         `json:"at,omitzero"`
	Decision analysis.Decision `json:"decision,omitempty"`
	// Reason in a sentence; Trouble why there was nothing to judge by.
	Reason     string               `json:"reason,omitempty"`
	Trouble    string               `json:"trouble,omitempty"`
	Shared     bool                 `json:"shared,omitempty"`
	Judgements []analysis.Judgement `json:"judgements,omitempty"`
}

// verdict is what a look that saw something came to.
func (j *judged) verdict(v analysis.Verdict) {
	j.Decision, j.Reason, j.Shared, j.Judgements = v.Decision, v.Reason, v.Shared, v.Judgements
}

// encoded is the form in which the ledger keeps it.
func (j judged) encoded() json.RawMessage {
	data, err := json.Marshal(j)
	if err != nil {
		panic("delivery: a judgement cannot fail to encode: " + err.Error())
	}
	return data
}

// text in a sentence.
func (j judged) text() string {
	if j.Trouble != "" {
		return fmt.Sprintf("at %d %%: %s", j.Weight, j.Trouble)
	}
	return fmt.Sprintf("at %d %%, %s: %s", j.Weight, j.Decision, j.Reason)
}

// notes tell which looks changed something.
type notes struct {
	// key is what the last one that was noted came to, highest the evidence of each rule, in powers of ten, that was noted in this step.
	key     string
	highest map[string]int
	// noted is the number in this step; latest the last look that was not.
	noted  int
	latest *judged
}

// mostNotes of a step, with the one that ends it: a judgement that wavers must not fill the ledger.
const mostNotes = 100

func (n *notes) step() { *n = notes{} }

// look notes a look where it changed something: the decision, what is broken, who is blind, or the evidence by a power of ten.
func (n *notes) look(write func(judged), at ledger.Progress, v analysis.Verdict, trouble string) {
	if write == nil {
		return
	}
	j := judged{Weight: at.Weight, At: time.Now(), Trouble: trouble}
	if trouble == "" {
		j.verdict(v)
	}
	key, more := n.change(v, trouble)
	if n.latest = &j; n.noted < mostNotes-1 && (key != n.key || more) {
		n.key, n.latest = key, nil
		n.noted++
		write(j)
	}
}

// change is what a look came to, and whether evidence was never as high by a power of ten.
func (n *notes) change(v analysis.Verdict, trouble string) (key string, higher bool) {
	parts := []string{string(v.Decision), fmt.Sprint(v.Shared, trouble != "")}
	if n.highest == nil {
		n.highest = map[string]int{}
	}
	for _, g := range v.Judgements {
		parts = append(parts, fmt.Sprint(g.Broken, g.Excess <= g.Margin))
		if power := int(math.Floor(math.Log10(max(1, g.Evidence)))); power > n.highest[g.Rule] {
			n.highest[g.Rule], higher = power, true
		}
	}
	return strings.Join(parts, " "), higher
}

// last notes the look that ends a step.
func (n *notes) last(write func(judged)) {
	if write != nil && n.latest != nil {
		write(*n.latest)
		n.latest = nil
	}
}
