package check

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// element of a report, as far as totals go: a suite or the list of them.
type element struct {
	name string
	// claimed are the totals of its attributes, found those of what is in it.
	claimed, found totals
	// broken is what went wrong in the suite itself, outside of any case.
	broken string
}

// totals of tests, and of those that failed, by failures and errors alike.
type totals struct{ tests, bad int }

// contradiction says what a report claims that its cases do not show: a run that broke off, or a suite that failed outside of
// any case, has cases that all passed. Empty if there is nothing.
func contradiction(data []byte) (string, error) {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var open []element
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := begin(t)
			if above := len(open) - 1; above >= 0 && open[above].name == "testsuite" && e.found.bad > 0 {
				return fmt.Sprintf("a suite has failed outside of its tests: %s", strings.TrimSpace(e.name+" "+e.broken)), nil
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if e.claimed.tests > e.found.tests {
				return fmt.Sprintf("a %s says that it has %d tests, and has %d: it is not complete", e.name, e.claimed.tests, e.found.tests), nil
			}
			if e.claimed.bad > e.found.bad {
				return fmt.Sprintf("a %s says that %d tests failed, and shows %d", e.name, e.claimed.bad, e.found.bad), nil
			}
			if len(open) > 0 {
				above := &open[len(open)-1].found
				above.tests, above.bad = above.tests+e.found.tests, above.bad+e.found.bad
			}
		}
	}
}

func begin(t xml.StartElement) element {
	e := element{name: t.Name.Local}
	switch e.name {
	case "testcase":
		e.found.tests = 1
	case "failure", "error":
		e.found.bad = 1
	}
	for _, a := range t.Attr {
		n, err := strconv.Atoi(a.Value)
		switch {
		case a.Name.Local == "message":
			e.broken = a.Value
		case e.name != "testsuite" && e.name != "testsuites" || err != nil:
		case a.Name.Local == "tests":
			e.claimed.tests = n
		case a.Name.Local == "failures", a.Name.Local == "errors":
			e.claimed.bad += n
		}
	}
	return e
}
