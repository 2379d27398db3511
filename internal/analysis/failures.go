package analysis

import "fmt"

// failures counts looks at which a side's share of bad ones was above an absolute limit, as Argo Rollouts counts failed measurements: a
// rule that knows nothing of chance, for who wants it beside the evidence.
type failures struct {
	// total and inARow are how many there may be; nil: any number.
	total, inARow *int
	failed, row   int
	// worst row so far.
	longest int
}

// add a look. One without requests is none.
func (f *failures) add(t Tally, allowed float64) {
	if t.All > 0 {
		f.count(t.Bad/t.All > allowed)
	}
}

func (f *failures) count(failed bool) {
	if !failed {
		f.row = 0
		return
	}
	f.failed++
	f.row++
	f.longest = max(f.longest, f.row)
}

func (f *failures) clear() { f.failed, f.row, f.longest = 0, 0, 0 }

// exceeded tells whether there were more than allowed, in words.
func (f *failures) exceeded() (string, bool) {
	switch {
	case f.total != nil && f.failed > *f.total:
		return fmt.Sprintf("the limit was exceeded in %d looks, and failure_limit is %d", f.failed, *f.total), true
	case f.inARow != nil && f.longest > *f.inARow:
		return fmt.Sprintf("the limit was exceeded in %d looks in a row, and consecutive_failure_limit is %d", f.longest, *f.inARow), true
	}
	return "", false
}
