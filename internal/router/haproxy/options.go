package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// behind are words that no version of HAProxy has for a server. Options that end in a keyword without its value take the first of them
// for it, or more where it has several.
var behind = []string{"end-of-options", "end-of-options-2", "end-of-options-3"}

// Probe asks each node whether it takes the options of servers that are added.
func (r *Router) Probe(ctx context.Context) error {
	if r.dynamic == nil || strings.TrimSpace(r.dynamic.options) == "" {
		return nil
	}
	if err := errors.Join(r.each(func(n *node) error { return r.checkOptions(ctx, n) })...); err != nil {
		return fmt.Errorf("ask HAProxy for the options of servers that are added: %w", err)
	}
	return nil
}

// checkOptions asks a node whether it takes the options of servers that are added, before a release is put anywhere. It changes nothing, and may
// be asked by a plan: behind the options stands a word that HAProxy refuses, so that no server comes of it. It reads from left to right and
// ends at the first word that it does not take: options that are all in order end in that word. What it looks at when it has read them all,
// such as the server that `track` names, comes out with the first server alone. HAProxy notes each such question in its log, as an alert.
func (r *Router) checkOptions(ctx context.Context, n *node) error {
	answer, err := r.refusal(ctx, n, r.dynamic.options)
	if answer == "" || strings.Contains(answer, "unknown keyword '"+behind[0]+"'") {
		return err
	}
	// Where this HAProxy puts it in other words, no options at all end in the same ones.
	if none, err := r.refusal(ctx, n, ""); none == "" || none == answer {
		return err
	}
	return fmt.Errorf("%s: %w", n.client, service.Problem{Path: []string{"router", "haproxy", "dynamic", "options"},
		Detail: fmt.Sprintf("HAProxy adds no server with %q: %s", r.dynamic.options, meant(answer, strings.Fields(r.dynamic.options)))})
}

// refusal is what a node answers to options with a word behind them that it does not have. The error says that it could not be asked.
func (r *Router) refusal(ctx context.Context, n *node, options string) (string, error) {
	at := r.at(r.dynamic.prefix + "options") // of no slot
	// Should it have been added all the same, it goes in the same conversation.
	answers, err := n.client.Command(ctx, "add server "+at+" 127.0.0.1:1 "+options+" "+strings.Join(behind, " "), "del server "+at)
	if len(answers) < 2 {
		return "", err
	}
	return strings.TrimRight(answers[0], ". \n"), nil
}

// meant is HAProxy's refusal of options, which are words, in terms of what the user wrote.
func meant(refusal string, words []string) string {
	last := words[len(words)-1]
	named := strings.FieldsFunc(refusal, func(c rune) bool { return c == '\'' || c == ';' || unicode.IsSpace(c) })
	switch {
	case strings.Contains(refusal, "'"+behind[1]+"'") || strings.Contains(refusal, "'"+behind[2]+"'"):
		return last + " has no value"
	case strings.Contains(refusal, behind[0]):
		return fmt.Sprintf(`%s (%q is not in it, and stands here for its end)`, refusal, behind[0])
	case !slices.ContainsFunc(words, func(word string) bool { return slices.Contains(named, word) }):
		return fmt.Sprintf("after %q something is missing, or HAProxy does not take one of the values: %s", last, refusal)
	}
	return refusal
}
