package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	reportGood = `<testsuites><testsuite name="a"><testcase classname="cart" name="add"/><testcase name="later"><skipped/></testcase></testsuite></testsuites>`
	reportBad  = `<testsuites><testsuite name="a" tests="3" failures="0"><testcase classname="cart" name="add"/>
<testcase classname="cart" name="pay"><failure message="no money">expected 200, got 402</failure></testcase>
<testsuite name="b"><testcase name="ship"><error message="no ship"/></testcase></testsuite></testsuite></testsuites>`
)

func TestJUnit(t *testing.T) {
	for name, c := range map[string]struct {
		// script writes $REPORT to report.xml, or does not.
		script, report string
		got            []string
		passes         bool
	}{
		"good":           {`printf %s "$REPORT" >report.xml`, reportGood, []string{"1 tests passed, 1 skipped"}, true},
		"bad":            {`printf %s "$REPORT" >report.xml`, reportBad, []string{"2 of 3 tests failed: cart.pay, ship"}, false},
		"good, exit 1":   {`printf %s "$REPORT" >report.xml; exit 1`, reportGood, []string{"exit status 1", "1 tests passed"}, false},
		"not written":    {`:`, "", []string{"did not write it"}, false},
		"empty":          {`printf %s "$REPORT" >report.xml`, "", []string{"no tests"}, false},
		"no tests":       {`printf %s "$REPORT" >report.xml`, `<testsuites><testsuite tests="5"/></testsuites>`, []string{"no tests"}, false},
		"only skipped":   {`printf %s "$REPORT" >report.xml`, `<testsuite><testcase name="x"><skipped/></testcase></testsuite>`, []string{"none of 1 tests ran"}, false},
		"fewer tests":    {`printf %s "$REPORT" >report.xml`, `<testsuite tests="3"><testcase name="a"/></testsuite>`, []string{"says that it has 3 tests, and has 1"}, false},
		"fewer below":    {`printf %s "$REPORT" >report.xml`, `<testsuites tests="2"><testsuite tests="1"><testcase name="a"/></testsuite></testsuites>`, []string{"a testsuites says that it has 2 tests, and has 1"}, false},
		"hidden failure": {`printf %s "$REPORT" >report.xml`, `<testsuite tests="1" failures="1" errors="1"><testcase name="a"/></testsuite>`, []string{"says that 2 tests failed, and shows 0"}, false},
		"suite's error":  {`printf %s "$REPORT" >report.xml`, `<testsuite tests="1" errors="1"><testcase name="a"/><error message="setup crashed"/></testsuite>`, []string{"failed outside of its tests: error setup crashed"}, false},
		"claims kept":    {`printf %s "$REPORT" >report.xml`, `<testsuites tests="2" failures="0"><testsuite name="a" tests="2" failures="0" errors="0" skipped="1"><properties><property name="tests" value="9"/></properties><testcase name="x"/><testcase name="y"><skipped/></testcase><system-err>error</system-err></testsuite></testsuites>`, []string{"1 tests passed, 1 skipped"}, true},
		"no XML":         {`printf %s "$REPORT" >report.xml`, "all tests passed", []string{"no tests"}, false},
		"broken off":     {`printf %s "$REPORT" >report.xml`, reportGood[:len(reportGood)-20], []string{"does not parse"}, false},
		"a directory":    {`mkdir report.xml`, "", []string{"not a regular file"}, false},
		"written anew":   {`printf %s "$REPORT" >report.new; mv report.new report.xml`, reportGood, []string{"1 tests passed"}, true},
		"appended twice": {`printf %s "$REPORT" >report.xml; printf %s "$REPORT" >>report.xml`, reportGood, []string{"2 tests passed"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			check := shell(directory, c.script)
			check.JUnit, check.Environment = "report.xml", map[string]string{"REPORT": c.report}
			r := run(t, service.Check{Command: check}, target())
			if c.passes {
				wantPass(t, r, c.got...)
			} else {
				wantFail(t, r, c.got...)
			}
			if name == "bad" && !strings.Contains(r.Evidence, "failed cart.pay: no money expected 200, got 402") {
				t.Errorf("evidence %q", r.Evidence)
			}
			if name == "a directory" {
				return
			}
			// The same again, with a good report that is there from before: it must not count, and if the program
			// writes one in its place, that counts, even the very same one.
			path := filepath.Join(directory, "report.xml")
			if err := os.WriteFile(path, []byte(reportGood), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if r = run(t, service.Check{Command: check}, target()); r.Passed != c.passes {
					t.Errorf("with a report from before: passed is %v: %s", r.Passed, r.Got)
				}
			}
			if c.script == ":" {
				wantGot(t, r, "from before the run")
				if content, err := os.ReadFile(path); err != nil || string(content) != reportGood {
					t.Errorf("the report from before is %q, %v", content, err)
				}
			}
		})
	}
}

func TestJUnitAtAnAbsolutePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.xml")
	check := shell(t.TempDir(), `printf %s "$REPORT" >"$FILE"`)
	check.JUnit, check.Environment = path, map[string]string{"REPORT": reportGood, "FILE": path}
	wantPass(t, run(t, service.Check{Command: check}, target()), "1 tests passed")
}

func TestJUnitOfAProgramThatTakesTooLong(t *testing.T) {
	directory := t.TempDir()
	check := shell(directory, `printf %s "$REPORT" >report.xml; echo >written; exec sleep 3600`)
	check.JUnit, check.Environment = "report.xml", map[string]string{"REPORT": reportBad}
	var r service.CheckResult
	longEnough(t, filepath.Join(directory, "written"), func(limit time.Duration) {
		check.Timeout = service.Duration(limit)
		r = run(t, service.Check{Command: check}, target())
		wantFail(t, r, "longer than "+limit.String())
	})
	wantGot(t, r, "cart.pay")
}

func TestJUnitWrittenInPlaceWithinOneTick(t *testing.T) {
	// Clocks of file systems are coarse: what is written anew may have the very time of what was there.
	directory := t.TempDir()
	path, then := filepath.Join(directory, "report.xml"), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.WriteFile(path, []byte(reportBad), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	check := shell(directory, `printf %s "$REPORT" >report.xml; touch -d 2020-01-01T00:00:00Z report.xml`)
	check.JUnit, check.Environment = "report.xml", map[string]string{"REPORT": reportGood}
	wantPass(t, run(t, service.Check{Command: check}, target()), "1 tests passed")
}
