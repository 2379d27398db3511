package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/report"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// display shows what a watch sees.
type display interface {
	// event prints one of the ledger's.
	event(ledger.Event) error
	// standing shows where the service stands; p is nil where nobody says what is done.
	standing(view ledger.View, p *ledger.Progress) error
	// note says something about the watching itself.
	note(text string)
}

func (o *options) display(id service.ID) display {
	if o.json {
		return &jsonLines{options: o, service: id}
	}
	if file, ok := o.out.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return &bars{out: o.out}
	}
	return &plainLines{out: o.out, errs: o.errs}
}

// jsonLines are for programs: an event, where the service stands, or a progress a line.
type jsonLines struct {
	*options
	service      service.ID
	last, stands string
}

func (d *jsonLines) event(e ledger.Event) error { return d.printLine(map[string]any{"event": e}) }

func (d *jsonLines) note(text string) { fmt.Fprintln(d.errs, text) }

func (d *jsonLines) standing(view ledger.View, p *ledger.Progress) error {
	stands := standingOf(d.service, view)
	text, err := json.Marshal(stands)
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	if string(text) != d.stands {
		d.stands = string(text)
		if err := d.printLine(map[string]any{"standing": stands}); err != nil {
			return err
		}
	}
	if p == nil || p.Text == d.last {
		return nil
	}
	d.last = p.Text
	return d.printLine(map[string]any{"progress": p})
}

// plainLines are for logs: nothing is drawn over.
type plainLines struct {
	out, errs io.Writer
	last      string
	told      bool
}

const plainStamp = "15:04:05"

func (d *plainLines) event(e ledger.Event) error {
	_, err := fmt.Fprintf(d.out, "%s  %-18s %s\n", e.Time.Local().Format(plainStamp), e.Type, report.Text(e))
	return err
}

func (d *plainLines) note(text string) { fmt.Fprintln(d.errs, text) }

func (d *plainLines) standing(view ledger.View, p *ledger.Progress) error {
	if !d.told {
		d.told = true
		if _, err := fmt.Fprintln(d.out, strings.Join(heading(view), "\n")); err != nil {
			return err
		}
	}
	if p == nil || p.Text == d.last {
		return nil
	}
	d.last = p.Text
	left := ""
	if p.Until.After(view.Now) {
		left = fmt.Sprintf(" (%s left)", p.Until.Sub(view.Now).Round(time.Second))
	}
	_, err := fmt.Fprintf(d.out, "%s  %-18s %s%s\n", view.Now.Local().Format(plainStamp), "…", p.Text, left)
	return err
}

// heading says what stands and what is under way.
func heading(view ledger.View) []string {
	stable := "none"
	if view.State.Stable != "" {
		stable = string(view.State.Stable)
	}
	lines := []string{"stable: " + stable}
	if a := view.State.OpenAttempt(); a != nil {
		lines = append(lines, fmt.Sprintf("attempt %d of %s: at %d %%", a.Number, a.Release, a.Weight))
	}
	if a := view.Interrupted(); a != nil {
		if a.Unfinished != "" {
			lines = append(lines, fmt.Sprintf("attempt %d is not finished: %s: recover it", a.Number, a.Unfinished))
		} else {
			lines = append(lines, fmt.Sprintf("attempt %d was interrupted: recover it", a.Number))
		}
	}
	return lines
}

// bars are for a terminal: events scroll by above a block that is drawn over.
type bars struct {
	out   io.Writer
	drawn int // lines of the block
	block []string
}

const (
	barWidth  = 40
	clearDown = "\x1b[J"
)

func (d *bars) event(e ledger.Event) error {
	return d.draw(fmt.Sprintf("%s  %-18s %s", e.Time.Local().Format(plainStamp), e.Type, report.Text(e)))
}

// note stands among the events, above the block; elsewhere it would be drawn over.
func (d *bars) note(text string) { _ = d.draw(text) }

func (d *bars) standing(view ledger.View, p *ledger.Progress) error {
	d.block = append([]string{""}, heading(view)...)
	if a := view.State.OpenAttempt(); a != nil {
		d.block = append(d.block, fmt.Sprintf("traffic  %s %3d %%", bar(float64(a.Weight)/100), a.Weight))
	}
	if p != nil {
		if p.Until.After(p.Since) && !p.Since.IsZero() {
			share := float64(view.Now.Sub(p.Since)) / float64(p.Until.Sub(p.Since))
			left := max(0, p.Until.Sub(view.Now)).Round(time.Second)
			d.block = append(d.block, fmt.Sprintf("step     %s %s left", bar(share), left))
		}
		d.block = append(d.block, p.Text)
		for _, line := range p.Evidence {
			d.block = append(d.block, "  "+line)
		}
	}
	return d.draw()
}

// draw prints lines above the block, and the block anew.
func (d *bars) draw(above ...string) error {
	var b strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r%s", d.drawn, clearDown)
	}
	for _, line := range append(above, d.block...) {
		b.WriteString(line + "\n")
	}
	d.drawn = 0
	for _, line := range d.block {
		d.drawn += 1 + strings.Count(line, "\n")
	}
	_, err := io.WriteString(d.out, b.String())
	return err
}

// bar draws a share between 0 and 1.
func bar(share float64) string {
	full := int(min(1, max(0, share))*barWidth + 0.5)
	return "[" + strings.Repeat("█", full) + strings.Repeat("·", barWidth-full) + "]"
}
