package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// allowed is how often a healthy release may be restored.
const allowed = 0.01

// stages are the numbers of runs after which it is seen whether the share of false restores is decided. Looking again at growing
// numbers is a test repeated: each stage's interval is made for its part of the 5 %, and so all of them together hold with 95 %. The first
// stage is the least that decides when nothing was restored.
var stages = []int{510, 1000, 2000, 4000}

// wellness is what healthy runs of a case came to.
type wellness struct {
	*healthyCase
	runs, restored int
	// low and high are the ends of the interval of the share of false restores.
	low, high float64
	// passed is when the first releases went through, in seconds.
	passed sample
	// ended counts the releases that each rule's settings ended; nil where rules cannot be applied.
	ended [][]int
}

// healthy runs a case until it is decided, or as often as it may be run.
func (o *options) healthy(ctx context.Context, c *healthyCase) (*wellness, error) {
	w := &wellness{healthyCase: c}
	planned := stages
	if o.most < stages[0] {
		planned = []int{o.most}
	}
	for _, n := range planned {
		if n > o.most {
			break
		}
		courses, err := c.simulate(ctx, o.seed, fault{}, w.runs, n)
		if err != nil {
			return nil, fmt.Errorf("simulate %s: %w", c.name, err)
		}
		w.add(courses)
		w.low, w.high = clopperPearson(w.restored, w.runs, 1-0.05/float64(len(planned)))
		if w.high <= allowed || w.low > allowed {
			break
		}
	}
	return w, nil
}

func (w *wellness) add(courses []course) {
	for _, c := range courses {
		w.runs++
		if c.restored != never {
			w.restored++
		}
		switch {
		case !c.asked:
		case c.passed == never:
			w.passed = append(w.passed, math.Inf(1))
		default:
			w.passed = append(w.passed, c.passed.Seconds())
		}
		for len(w.ended) < len(c.ended) {
			w.ended = append(w.ended, make([]int, len(grid)))
		}
		for rule, ends := range c.ended {
			for setting, at := range ends {
				if at != never {
					w.ended[rule][setting]++
				}
			}
		}
	}
}

// calm tells whether a rule's setting is, in this case.
func (w *wellness) calm(rule, setting int) bool { return w.share(rule, setting) <= allowed }

// share of the releases that a rule's setting ended.
func (w *wellness) share(rule, setting int) float64 {
	if w.ended == nil {
		return 0
	}
	return float64(w.ended[rule][setting]) / float64(w.runs)
}

const healthyRow = "%-46s %6s %18s %22s %16s %16s\n"

func printHealthyHead(w io.Writer) {
	fmt.Fprintf(w, "Healthy releases, looked at for %v each; no more than %s may be restored. The interval holds with 95 %%.\n", horizon, percent(allowed))
	fmt.Fprintf(w, "Of the usual rules: how many of the %d settings end at most %s of them.\n\n", len(grid), percent(allowed))
	fmt.Fprintf(w, healthyRow, "case", "runs", "false restores", "through after s, p95", rules[0].name, rules[1].name)
}

func (w *wellness) print(out io.Writer) {
	calm := []string{"–", "–"}
	for rule := range w.ended {
		n := 0
		for setting := range grid {
			if w.calm(rule, setting) {
				n++
			}
		}
		calm[rule] = fmt.Sprintf("%d of %d", n, len(grid))
	}
	fmt.Fprintf(out, healthyRow, w.name, fmt.Sprint(w.runs), fmt.Sprintf("%d, %.2f–%.2f %%", w.restored, 100*w.low, 100*w.high),
		seconds(w.passed.median())+", "+seconds(w.passed.p95()), calm[0], calm[1])
}

// printCalm says which settings are calm everywhere.
func printCalm(w io.Writer, healthy []*wellness) {
	for rule := range rules {
		n, legal := 0, 0
		for setting := range grid {
			if (choice{rule, setting}).worst(healthy) <= allowed {
				n++
				if rules[rule].legal(grid[setting]) {
					legal++
				}
			}
		}
		fmt.Fprintf(w, "%s: %d of %d settings are calm in all these cases, %d of them legal.\n", rules[rule].name, n, len(grid), legal)
	}
	fmt.Fprintln(w)
}

func (w *wellness) results() []result.Result {
	all := []result.Result{result.Lower("healthy, "+w.name+": false restores, upper end", 100*w.high, "%").AtMost(100 * allowed)}
	if len(w.steps) > 0 {
		all = append(all, result.Lower("healthy, "+w.name+": time to go through, median", finite(w.passed.median()), "s"))
	}
	return all
}

// finite says of what did not happen that it took as long as was waited.
func finite(x float64) float64 { return min(x, horizon.Seconds()) }

// seconds in words.
func seconds(x float64) string {
	if math.IsInf(x, 1) {
		return "never"
	}
	return fmt.Sprintf("%.4g", x)
}
