package machines

import (
	"regexp"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// theMachine stands for a machine's name where the same is said of several.
const theMachine = "the machine"

// toldOnce are the problems of machines, in their order: what several have in common is told once, with their names.
func toldOnce(parts []part, found [][]service.Problem) []service.Problem {
	var problems []service.Problem
	at := map[string]int{}
	hosts := map[string][]string{}
	for n, p := range parts {
		for _, problem := range found[n] {
			if p.host == "" {
				problems = append(problems, problem)
				continue
			}
			key := common(p, problem.Detail)
			if _, seen := at[key]; !seen {
				at[key] = len(problems)
				problems = append(problems, problem)
			}
			if !slices.Contains(hosts[key], p.host) {
				hosts[key] = append(hosts[key], p.host)
			}
		}
	}
	for key, names := range hosts {
		problem := &problems[at[key]]
		problem.Hosts = names
		if len(names) == 1 {
			problem.Path = []string{"platform", "host", "hosts", names[0]}
			problem.Detail = "host " + names[0] + ": " + problem.Detail
			continue
		}
		problem.Path = []string{"platform", "host", "hosts"}
		problem.Detail = several(names) + ": " + key
	}
	return problems
}

// problem of a machine, which toldOnce names. Where there are hosts, it lies at the host and not at path.
func problem(detail string, path ...string) service.Problem {
	return service.Problem{Path: append([]string{"platform", "host"}, path...), Detail: detail}
}

// readProblems reads what roomScript and unitsScript say.
func readProblems(out string) []service.Problem {
	var problems []service.Problem
	for line := range strings.SplitSeq(out, "\n") {
		if text, is := strings.CutPrefix(strings.TrimSpace(line), "problem "); is {
			at, text, _ := strings.Cut(text, " ")
			problems = append(problems, problem(text, strings.Split(at, ".")...))
		}
	}
	return problems
}

// common is a text without the name of p's machine.
func common(p part, text string) string {
	if p.machine == nil {
		return text
	}
	return regexp.MustCompile(`\b`+regexp.QuoteMeta(p.machine.String())+`\b`).ReplaceAllLiteralString(text, theMachine)
}

// several names hosts.
func several(names []string) string {
	return "hosts " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
