package prometheus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The placeholders of templates.
const (
	releasePlace   = "release"
	slotPlace      = "slot"
	instancesPlace = "instances"
	intervalPlace  = "interval"
)

// ofPlacement tell one placement from another.
var ofPlacement = []string{releasePlace, slotPlace, instancesPlace}

// piece is literal text, or a place for a value.
type piece struct{ text, place string }

// template is a text with placeholders.
type template []piece

// parse reads a template whose placeholders are among allowed.
func parse(text string, allowed ...string) (template, error) {
	var t template
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{{")
		if strings.Contains(before, "}}") {
			return nil, errors.New("a placeholder ends with }} and does not begin: write {{slot}}")
		}
		if before != "" {
			t = append(t, piece{text: before})
		}
		if !found {
			break
		}
		name, after, found := strings.Cut(after, "}}")
		if !found {
			return nil, errors.New("a placeholder begins with {{ and does not end with }}")
		}
		if name = strings.TrimSpace(name); !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("the placeholder {{%s}} is not known here; there are {{%s}}", name, strings.Join(allowed, "}}, {{"))
		}
		t = append(t, piece{place: name})
		rest = after
	}
	// There a backslash is no escape.
	if len(t) > 1 && strings.Contains(text, "`") {
		return nil, errors.New("a text in backquotes cannot hold a placeholder: use double quotes")
	}
	return t, nil
}

// uses tells whether t has any of these placeholders.
func (t template) uses(places ...string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.place != "" && slices.Contains(places, p.place) })
}

// values of placeholders, as they stand within a quoted text of PromQL.
type values map[string]string

// valuesOf a placement, over an interval.
func valuesOf(p service.Placement, interval time.Duration) values {
	addresses := make([]string, len(p.Instances))
	for i, instance := range p.Instances {
		addresses[i] = regexp.QuoteMeta(instance.Address)
	}
	quoted := func(text string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
	}
	return values{
		releasePlace: quoted(string(p.Release)), slotPlace: quoted(p.Slot), instancesPlace: quoted(strings.Join(addresses, "|")),
		intervalPlace: fmt.Sprintf("%dms", max(1, interval.Milliseconds())),
	}
}

// with puts values in the places.
func (t template) with(v values) string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		if p.place != "" {
			b.WriteString(v[p.place])
		}
	}
	return b.String()
}

var metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)

// selectorName tells whether expression is nothing but a selector of series, name{label="value",…}, and which name it has, if any.
func selectorName(expression string) (name string, is bool) {
	rest := strings.TrimSpace(expression)
	name = metricName.FindString(rest)
	rest = strings.TrimSpace(rest[len(name):])
	if rest == "" {
		return name, name != ""
	}
	if rest[0] != '{' {
		return "", false
	}
	quote := byte(0)
	for i := 1; i < len(rest); i++ {
		switch b := rest[i]; {
		case quote != 0 && b == '\\' && quote != '`':
			i++
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'' || b == '`':
			quote = b
		case b == '}':
			return name, i == len(rest)-1
		case b == '{':
			return "", false
		}
	}
	return "", false
}
