package check

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// kindNames lists what there is to choose.
const kindNames = "http, tcp, command, logs, sql, metric"

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

type namedKind struct {
	name string
	kind kind
}

// kinds lists the kinds that c sets, in the order of kindNames.
func kinds(c service.Check) []namedKind {
	var set []namedKind
	if c.HTTP != nil {
		set = append(set, namedKind{"http", httpCheck{*c.HTTP}})
	}
	if c.TCP != nil {
		set = append(set, namedKind{"tcp", tcpCheck{*c.TCP}})
	}
	if c.Command != nil {
		set = append(set, namedKind{"command", commandCheck{*c.Command}})
	}
	if c.Logs != nil {
		set = append(set, namedKind{"logs", logsCheck{*c.Logs}})
	}
	if c.SQL != nil {
		set = append(set, namedKind{"sql", sqlCheck{*c.SQL}})
	}
	if c.Metric != nil {
		set = append(set, namedKind{"metric", metricCheck{*c.Metric}})
	}
	return set
}

// Validate lists what is wrong with a check; paths are relative to it, and empty where the check as a whole is meant.
func Validate(c service.Check) []service.Problem {
	set := kinds(c)
	switch {
	case len(set) == 0:
		return []service.Problem{{Detail: "a check needs exactly one of " + kindNames}}
	case len(set) > 1:
		names := make([]string, len(set))
		for i, k := range set {
			names[i] = k.name
		}
		return []service.Problem{{Detail: fmt.Sprintf("a check needs exactly one of %s; this one has %s", kindNames, strings.Join(names, " and "))}}
	}
	var problems []service.Problem
	set[0].kind.problems(func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: append([]string{set[0].name}, path...), Detail: detail})
	})
	return problems
}

// What several kinds have in common.

func positive(add func(string, ...string), d service.Duration, path ...string) {
	if d <= 0 {
		add(fmt.Sprintf("%s is no time to wait: give a duration above 0, such as \"10s\"", d), path...)
	}
}

func notNegative(add func(string, ...string), d service.Duration, path ...string) {
	if d < 0 {
		add(fmt.Sprintf("%s is negative: give a duration such as \"1s\"", d), path...)
	}
}

func retriesProblem(add func(string, ...string), retries int) {
	if retries < 0 {
		add(fmt.Sprintf("%d is negative: 0 asks once, 3 up to four times", retries), "retries")
	}
}

func regexpProblem(add func(string, ...string), pattern string, path ...string) {
	if _, err := regexp.Compile(pattern); err != nil {
		add(fmt.Sprintf("%q is not a regular expression of RE2: %v", pattern, err), path...)
	}
}

func addressProblem(add func(string, ...string), address string, path ...string) {
	host, port, err := net.SplitHostPort(address)
	number, numberErr := strconv.Atoi(port)
	if err != nil || host == "" || numberErr != nil || number < 1 || number > 65535 {
		add(fmt.Sprintf("%q is not an address: write host:port, such as db.internal:5432", address), path...)
	}
}
