package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// figure is a picture of panels below one another.
type figure struct {
	// title is read to who cannot see it.
	title  string
	panels []panel
}

// panel is one diagram.
type panel struct {
	// title stands above it.
	title  string
	height float64
	x, y   axis
	lines  []line
	labels []label
}

// axis goes from low to high, by its logarithm if log. What lies beyond is drawn at its end.
type axis struct {
	title     string
	low, high float64
	log       bool
	ticks     []tick
}

type tick struct {
	at   float64
	text string
}

// line has a class of the style: limit, red, blue, green, grey, …
type line struct {
	class  string
	points []point
}

type point struct{ x, y float64 }

// label is a text at a point of the diagram, moved by pixels.
type label struct {
	class  string
	at     point
	dx, dy float64
	// anchor is start, middle or end; empty is start.
	anchor string
	text   string
}

const (
	width = 860.0
	left  = 84.0
	right = 24.0
	// above and below a panel's diagram.
	above = 48.0
	below = 62.0
)

// style is readable where the page is light and where it is dark: the picture has a ground of its own, and follows the reader's preference.
const style = `
.ground { fill: #ffffff; } .frame { fill: none; stroke: #8c959f; } .grid { stroke: #d8dee4; }
text { font: 16px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; } .title { font-weight: 600; font-size: 17px; } .tick { fill: #57606a; font-size: 15px; }
polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.red { stroke: #cf222e; } .orange { stroke: #bc4c00; } .blue { stroke: #0969da; } .green { stroke: #1a7f37; } .grey { stroke: #8c959f; stroke-width: 1.5; }
.limit { stroke: #1f2328; stroke-dasharray: 7 5; stroke-width: 2; } .dashed { stroke-dasharray: 3 4; }
text.red { fill: #cf222e; stroke: none; } text.orange { fill: #bc4c00; stroke: none; } text.blue { fill: #0969da; stroke: none; } text.green { fill: #1a7f37; stroke: none; } text.grey { fill: #57606a; stroke: none; }
.halo { paint-order: stroke; stroke: #ffffff !important; stroke-width: 5px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } .frame { stroke: #6e7681; } .grid { stroke: #262c36; }
text { fill: #e6edf3; } .tick { fill: #9198a1; }
.red { stroke: #ff7b72; } .orange { stroke: #f0883e; } .blue { stroke: #58a6ff; } .green { stroke: #3fb950; } .grey { stroke: #6e7681; } .limit { stroke: #e6edf3; }
text.red { fill: #ff7b72; } text.orange { fill: #f0883e; } text.blue { fill: #58a6ff; } text.green { fill: #3fb950; } text.grey { fill: #9198a1; }
.halo { stroke: #0d1117 !important; }
}
`

func (f figure) svg() string {
	height := 0.0
	for _, p := range f.panels {
		height += above + p.height + below
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" role=\"img\">\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(f.title), style)
	fmt.Fprintf(&b, "<rect class=\"ground\" width=\"%g\" height=\"%g\" rx=\"8\"/>\n", width, height)
	top := 0.0
	for _, p := range f.panels {
		p.draw(&b, top+above)
		top += above + p.height + below
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw the panel, whose diagram begins at top.
func (p panel) draw(b *strings.Builder, top float64) {
	bottom := top + p.height
	x := func(v float64) float64 { return left + p.x.part(v)*(width-left-right) }
	y := func(v float64) float64 { return bottom - p.y.part(v)*p.height }
	write := func(class, anchor string, x, y float64, text string) {
		fmt.Fprintf(b, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, anchor, x, y, html.EscapeString(text))
	}
	write("title", "start", 16, top-20, p.title)
	for _, t := range p.x.ticks {
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x(t.at), top, bottom)
		anchor, dx := "middle", 0.0
		if t.at >= p.x.high {
			anchor, dx = "end", 8 // Inside of the picture.
		}
		write("tick", anchor, x(t.at)+dx, bottom+20, t.text)
	}
	for _, t := range p.y.ticks {
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left, y(t.at), width-right)
		write("tick", "end", left-8, y(t.at)+5, t.text)
	}
	write("tick", "end", width-right, bottom+42, p.x.title)
	fmt.Fprintf(b, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", left, top, width-left-right, p.height)
	for _, l := range p.lines {
		fmt.Fprintf(b, "<polyline class=\"%s\" points=\"", l.class)
		drawn := point{math.Inf(-1), 0}
		for i, at := range l.points {
			next := point{x(at.x), y(at.y)}
			// What nobody sees is left out.
			if math.Abs(next.x-drawn.x) < 1 && math.Abs(next.y-drawn.y) < 1.5 && i < len(l.points)-1 {
				continue
			}
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(b, "%.1f,%.1f", next.x, next.y)
			drawn = next
		}
		b.WriteString("\"/>\n")
	}
	for _, l := range p.labels {
		anchor := l.anchor
		if anchor == "" {
			anchor = "start"
		}
		write(l.class+" halo", anchor, x(l.at.x)+l.dx, y(l.at.y)+l.dy, l.text)
	}
}

// part is where a value lies on the axis, from 0 to 1.
func (a axis) part(v float64) float64 {
	v = min(max(v, a.low), a.high)
	if a.log {
		return math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return (v - a.low) / (a.high - a.low)
}

// limit is a line at a height, from one end of the axis to the other.
func (a axis) limit(y float64) line {
	return line{"limit", []point{{a.low, y}, {a.high, y}}}
}
