package check

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// commandCheck runs a program without a shell.
type commandCheck struct{ service.CommandCheck }

func (c commandCheck) problems(add func(detail string, path ...string)) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		add("give the program and its arguments, such as [\"./checkout-flow.sh\", \"--quick\"]", "argv")
	}
	positive(add, c.Timeout, "timeout")
	if c.ExitCode < 0 || c.ExitCode > 255 {
		add(fmt.Sprintf("%d is not an exit code: use 0 to 255", c.ExitCode), "exit_code")
	}
	variable := func(name, attribute string) {
		switch {
		case !variablePattern.MatchString(name):
			add(fmt.Sprintf("%q is not the name of an environment variable: use letters, digits and underscores, not beginning with a digit", name), attribute, name)
		case strings.HasPrefix(name, "DEPLOY_"):
			add(name+" begins with DEPLOY_, which the check sets itself: choose another name", attribute, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		variable(name, "environment")
		if strings.ContainsRune(c.Environment[name], 0) {
			add("the value has a NUL character, which an environment cannot carry", "environment", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		variable(name, "secrets")
		if c.Secrets[name] == "" {
			add("give the name of a credential", "secrets", name)
		}
		if _, twice := c.Environment[name]; twice {
			add(name+" is in environment and in secrets: keep one of them", "secrets", name)
		}
	}
}

func (c commandCheck) asked(delivery.Target) string {
	words := make([]string, len(c.Argv))
	for i, word := range c.Argv {
		if words[i] = word; word == "" || strings.ContainsAny(word, " \t\n\"'\\") {
			words[i] = fmt.Sprintf("%q", word)
		}
	}
	asked := "run " + strings.Join(words, " ")
	if c.Directory != "" {
		asked += " in " + c.Directory
	}
	return asked
}

func (c commandCheck) ask(ctx context.Context, t delivery.Target) outcome {
	environment, err := c.environment(t)
	if err != nil {
		return failed("not run: %v", err)
	}
	var report junitFile
	if c.JUnit != "" {
		if report, err = expectJUnit(c.reportPath()); err != nil {
			return failed("not run: %v", err)
		}
	}
	started := time.Now()
	e, err := program.Program{Argv: c.Argv, Directory: c.Directory, Environment: environment, Timeout: c.Timeout.D()}.Run(ctx)
	o := outcome{tail: true}
	if err != nil {
		o.got = err.Error()
	} else {
		o.passed = e.Code == c.ExitCode
		o.got = fmt.Sprintf("%s after %s", e.Status, time.Since(started).Round(time.Millisecond))
		if !o.passed {
			o.got += fmt.Sprintf(", wanted was exit status %d", c.ExitCode)
		}
	}
	if c.JUnit != "" {
		suite := report.read()
		o.passed = o.passed && suite.passed
		o.got += "; " + suite.got
		o.evidence = append(o.evidence, suite.evidence...)
	}
	if output := strings.TrimSpace(e.Output); output != "" {
		o.evidence = append(o.evidence, output)
	}
	return o
}

func (c commandCheck) reportPath() string {
	if filepath.IsAbs(c.JUnit) {
		return c.JUnit
	}
	return filepath.Join(c.Directory, c.JUnit)
}

// environment is what the program gets beside what is inherited: what is under test, and what the check names.
func (c commandCheck) environment(t delivery.Target) ([]string, error) {
	var addresses []string
	for _, i := range t.Release.Placement.Instances {
		addresses = append(addresses, i.Address)
	}
	var firstAddress string
	if len(addresses) > 0 {
		firstAddress = addresses[0]
	}
	environment := []string{
		"DEPLOY_SERVICE=" + string(t.Release.ID.Service()),
		"DEPLOY_RELEASE=" + string(t.Release.ID),
		"DEPLOY_VERSION=" + t.Release.Content.Version,
		"DEPLOY_ADDRESS=" + firstAddress,
		"DEPLOY_ADDRESSES=" + strings.Join(addresses, ","),
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		environment = append(environment, name+"="+c.Environment[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		secret, err := t.Secrets.Lookup(c.Secrets[name])
		if err != nil {
			return nil, fmt.Errorf("look up the secret for %s: %w", name, err)
		}
		environment = append(environment, name+"="+secret)
	}
	return environment, nil
}
