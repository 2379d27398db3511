package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/joshdk/go-junit"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
)

// reportLimit bounds a JUnit file, in bytes.
const reportLimit = 32 << 20

// staleTime marks a report that was there before the run.
var staleTime = time.Unix(1, 0)

// junitFile is a report that a program is about to write.
type junitFile struct {
	path string
	// before is the file that was there before, nil where there was none.
	before fs.FileInfo
}

// expectJUnit is called before the run. A file that is there already gets a time long ago, by which read knows it again
// should the program not write: times alone are too coarse for programs that end at once, and nothing is deleted.
func expectJUnit(path string) (junitFile, error) {
	f := junitFile{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err == nil {
		err = os.Chtimes(path, time.Time{}, staleTime)
	}
	if err == nil {
		f.before, err = os.Stat(path)
	}
	if err != nil {
		return f, fmt.Errorf("tell the JUnit file %s of before apart from the one to come: %w", path, err)
	}
	return f, nil
}

// read judges by the report: it must be there, new, and hold at least one test that ran, and none that failed.
func (f junitFile) read() outcome {
	data, err := f.content()
	if err != nil {
		return failed("JUnit file %s: %v", f.path, err)
	}
	suites, err := junit.Ingest(data)
	if err != nil {
		return failed("JUnit file %s does not parse: %v", f.path, err)
	}
	var total junit.Totals
	var bad []junit.Test
	collect(suites, &total, &bad)
	switch {
	case total.Tests == 0:
		return failed("JUnit file %s has no tests", f.path)
	case total.Tests == total.Skipped:
		return failed("JUnit file %s: none of %d tests ran, all were skipped", f.path, total.Tests)
	case len(bad) == 0:
		if claim, err := contradiction(data); err != nil {
			return failed("JUnit file %s does not parse: %v", f.path, err)
		} else if claim != "" {
			return failed("JUnit file %s: %s", f.path, claim)
		}
		return passed("%d tests passed, %d skipped", total.Passed, total.Skipped)
	}
	names := make([]string, len(bad))
	cases := make([]string, len(bad))
	for i, test := range bad {
		names[i] = caseName(test)
		cases[i] = fmt.Sprintf("%s %s: %s", test.Status, caseName(test), scrub.First(reason(test), lineLimit))
	}
	o := failed("%d of %d tests failed: %s", len(bad), total.Tests, strings.Join(names, ", "))
	o.evidence = []string{strings.Join(cases, "\n")}
	return o
}

func (f junitFile) content() ([]byte, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the program did not write it")
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at it: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if f.before != nil && os.SameFile(info, f.before) && info.ModTime().Equal(f.before.ModTime()) {
		return nil, errors.New("it is from before the run: the program did not write it")
	}
	data, err := io.ReadAll(io.LimitReader(file, reportLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > reportLimit {
		return nil, fmt.Errorf("it has more than %d bytes", reportLimit)
	}
	return data, nil
}

// collect adds up the cases themselves. Totals that a report claims are looked at where all of these passed.
func collect(suites []junit.Suite, total *junit.Totals, bad *[]junit.Test) {
	for _, suite := range suites {
		for _, test := range suite.Tests {
			total.Tests++
			switch test.Status {
			case junit.StatusPassed:
				total.Passed++
			case junit.StatusSkipped:
				total.Skipped++
			default:
				*bad = append(*bad, test)
			}
		}
		collect(suite.Suites, total, bad)
	}
}

func caseName(test junit.Test) string {
	if test.Classname == "" {
		return test.Name
	}
	return test.Classname + "." + test.Name
}

func reason(test junit.Test) string {
	reason := test.Message
	if test.Error != nil && !strings.Contains(reason, test.Error.Error()) {
		reason = strings.TrimSpace(reason + " " + test.Error.Error())
	}
	return reason
}
