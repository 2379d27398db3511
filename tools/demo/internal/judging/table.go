package judging

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/figures"
)

// row is one distribution.
type row struct {
	name, unit string
	// points that it is told by.
	points []figures.Point
	sample figures.Sample
	// goal of its median; nil: none.
	goal *float64
}

// figures of the row.
func (r row) figures() []figures.Figure {
	all := r.sample.Figures(r.name, r.unit, r.points)
	for i, p := range r.points {
		if r.goal != nil && p.Share == 0.5 && len(all) > 0 {
			all[i] = all[i].AtMost(*r.goal)
		}
	}
	return all
}

func all(rows []row) []figures.Figure {
	var list []figures.Figure
	for _, r := range rows {
		list = append(list, r.figures()...)
	}
	return list
}

// table prints the rows; those that follow each other and have the same points share a head.
func table(out io.Writer, rows []row) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var head string
	for _, r := range rows {
		line := "\tn"
		for _, p := range r.points {
			line += "\t" + p.Name
		}
		if line += "\t\n"; line != head {
			head = line
			_, _ = fmt.Fprint(t, line)
		}
		_, _ = fmt.Fprint(t, r.line())
	}
	// Flush reports what went wrong in the lines above as well.
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

func (r row) line() string {
	line := r.name + "\t" + strconv.Itoa(len(r.sample))
	verdict := ""
	list := r.figures()
	for i := range r.points {
		if len(list) == 0 {
			line += "\t-"
			continue
		}
		line += fmt.Sprintf("\t%.3g %s", list[i].Value, r.unit)
		if goal := list[i].Goal; goal != nil {
			verdict = fmt.Sprintf("goal of the median %.3g %s: reached", *goal, r.unit)
			if !list[i].Reached() {
				verdict = fmt.Sprintf("goal of the median %.3g %s: NOT reached", *goal, r.unit)
			}
		}
	}
	return line + "\t" + verdict + "\n"
}
