package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// Warnings has a sentence on each thing that a plan should tell: what a reload or restart of HAProxy would lose, a state file that is
// behind, nodes that differ. It changes nothing.
func (r *Router) Warnings(ctx context.Context) ([]string, error) {
	servers, err := r.serversByNode(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the split: %w", err)
	}
	var warnings []string
	if byNode := r.weightsOfEach(servers); !same(byNode) {
		text := "The nodes of HAProxy differ:"
		for i, n := range r.nodes {
			text += fmt.Sprintf(" %s has %s;", n.name, shares(byNode[i]))
		}
		seen := between(byNode)
		warnings = append(warnings, fmt.Sprintf("%s. The weights that are read of them, %s, are about their mean, and together %d %%, so that they are those of no split. The next split sets all of them alike.",
			text[:len(text)-1], shares(seen), apart))
	}
	if r.dynamic != nil && slices.Contains(strings.Fields(r.dynamic.options), "slowstart") {
		warnings = append(warnings, "`slowstart` in dynamic.options bends the shares: a slot that gets traffic anew has less than its weights say, until that time is over. The steps of a split do what it is for: leave it out.")
	}
	switch {
	case r.dynamic != nil:
		warnings = append(warnings, fmt.Sprintf("A reload or restart of HAProxy loses the servers of backend %s that were added while it runs, and with them all of the service's traffic, "+
			"until the next apply adds them again. Servers in haproxy.cfg and a state file keep them.", r.backend))
	case r.stateFile == "":
		warnings = append(warnings, fmt.Sprintf("A reload or restart of HAProxy brings back the weights that haproxy.cfg gives the servers of backend %s: there is no state_file. %s "+
			"A plan then shows the difference, and an apply repairs it. To keep them, name a file as state_file, in a directory that the user of each node's login may write to "+
			"(`install -d -o <user> /var/lib/haproxy-state`), and write its path into haproxy.cfg:\n\n%s", r.backend, r.lost(servers), stateFileLines("/var/lib/haproxy-state/servers")))
	default:
		behind, err := r.behind(ctx)
		if err != nil {
			return warnings, err
		}
		warnings = append(warnings, behind...)
	}
	return warnings, nil
}

// lost says what a reload of each node would make of the traffic, without a state file: once for those of which the same is to be said.
func (r *Router) lost(servers [][]api.Server) string {
	var texts, idle []string
	nodes := map[string][]string{}
	for i, n := range r.nodes {
		now, then := r.weightsOf(servers[i]), r.reloaded(servers[i])
		if shares(now) == shares(then) {
			continue
		}
		text := shares(then) + " in place of " + shares(now)
		if len(nodes[text]) == 0 {
			texts = append(texts, text)
		}
		nodes[text] = append(nodes[text], n.name)
		for _, slot := range []string{blue, green} {
			if now[slot] == 0 && then[slot] > 0 && now[blue]+now[green] > 0 && !slices.Contains(idle, slot) {
				idle = append(idle, slot)
			}
		}
	}
	if len(texts) == 0 {
		return "Those are the ones of now, and after a split they are not."
	}
	for i, text := range texts {
		texts[i] = "on node " + strings.Join(nodes[text], ", ") + " " + text
	}
	said := "Now that would be " + strings.Join(texts, "; ") + "."
	if len(idle) > 0 {
		said += " Nothing may run in slot " + strings.Join(idle, ", ") + ", and users would be sent there."
	}
	return said
}
