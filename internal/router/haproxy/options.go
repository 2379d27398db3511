package haproxy

import (
	"context"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// behind are words that no version of HAProxy has for a server. Options that end in a keyword without its value take the first of them
// for it, or more where it has several.
var behind = []string{"end-of-options", "end-of-options-2", "end-of-options-3"}

// checkOptions asks a node whether it takes the options of servers that are added, before a release is put anywhere. It changes nothing, and may
// be asked by a plan: behind the options stands a word that HAProxy refuses, so that no server comes of it. It reads from left to right and
// ends at the first word that it does not take: options that are all in order end in the same words of its as none at all. What it looks at
// when it has read them all, such as the server that `track` names, comes out with the first server alone.
func (r *Router) checkOptions(ctx context.Context, n *node) error {
	if strings.TrimSpace(r.dynamic.options) == "" {
		return nil
	}
	at := r.at(r.dynamic.prefix + "options") // of no slot
	add, refused := "add server "+at+" 127.0.0.1:1 ", " "+strings.Join(behind, " ")
	// Should it have been added all the same, it goes in the same conversation.
	answers, err := n.client.Command(ctx, add+refused, add+r.dynamic.options+refused, "del server "+at)
	if len(answers) < 3 {
		return err
	}
	says := strings.TrimRight(strings.TrimSpace(answers[1]), ".")
	if answers[1] == answers[0] {
		return nil
	}
	words := strings.Fields(r.dynamic.options)
	switch {
	case strings.Contains(says, "'"+behind[1]+"'") || strings.Contains(says, "'"+behind[2]+"'"):
		says = fmt.Sprintf("%s has no value", words[len(words)-1])
	case strings.Contains(says, behind[0]):
		says += fmt.Sprintf(` (%q is not in it, and stands here for its end)`, behind[0])
	}
	return fmt.Errorf("%s: %w", n.client, service.Problem{Path: []string{"router", "haproxy", "dynamic", "options"},
		Detail: fmt.Sprintf("HAProxy adds no server with %q: %s", r.dynamic.options, says)})
}
