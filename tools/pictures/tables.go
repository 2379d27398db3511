package main

import (
	"fmt"
	"strings"
)

// tables by the names that the guide has for them.
var tables = []struct {
	name string
	rows func() ([][]string, error)
}{
	{"needed", needed}, {"settings", settings}, {"counter", counters}, {"gauge", gauges},
}

// fill writes the tables into a guide, each between its marks.
func fill(text string) (string, error) {
	for _, t := range tables {
		begin, end := "<!-- "+t.name+": made by `make pictures` -->\n", "<!-- end of "+t.name+" -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			return "", fmt.Errorf("there is no place for the table %s: write %q and %q, each on a line of its own", t.name, strings.TrimSpace(begin), end)
		}
		rows, err := t.rows()
		if err != nil {
			return "", fmt.Errorf("make the table %s: %w", t.name, err)
		}
		text = before + begin + "\n" + markdown(rows) + "\n" + end + after
	}
	return text, nil
}

// markdown is a table whose first row is its head.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}
