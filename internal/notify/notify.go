// Package notify tells people what happens to a release: a JSON webhook. A message may be delivered more than once;
// receivers tell repetitions by its id.
package notify

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// events that there are to be told of.
var events = []string{"started", "succeeded", "rolled_back", "restore_failed"}

var credentialPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// New makes the notification called name. A URL that is the name of a credential is looked up each time it is sent to.
// The error joins all problems that Validate finds.
func New(name string, n service.Notification, credentials delivery.Credentials) (delivery.Notifier, error) {
	if problems := Validate(n); len(problems) > 0 {
		failures := make([]error, len(problems))
		for i, p := range problems {
			failures[i] = p
		}
		return nil, fmt.Errorf("notification %q: %w", name, errors.Join(failures...))
	}
	if credentials == nil && !plain(n.URL) {
		return nil, fmt.Errorf("notification %q: credential %q is not known here", name, n.URL)
	}
	return &Webhook{name: name, url: n.URL, on: n.On, credentials: credentials, pace: usualPace}, nil
}

// Validate lists what is wrong with a notification; paths are relative to it.
func Validate(n service.Notification) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	switch {
	case n.URL == "":
		add("give the name of a credential that holds the URL, or the URL itself where it holds no secret", "url")
	case plain(n.URL):
		u, err := parse(n.URL)
		if err != nil {
			add(err.Error(), "url")
		} else if u.User != nil {
			add("it holds a user or a password, which plans and state would show: put the URL into the provider's credentials, and write that credential's name here", "url")
		}
	case !credentialPattern.MatchString(n.URL):
		add("it is neither a URL (https://host/path) nor the name of a credential (letters, digits, underscores and hyphens)", "url")
	}
	for i, event := range n.On {
		switch {
		case !slices.Contains(events, event):
			add(fmt.Sprintf("%q is not known: use %s", event, strings.Join(events, ", ")), "on")
		case slices.Contains(n.On[:i], event):
			add(fmt.Sprintf("%q is there twice: keep one of them", event), "on")
		}
	}
	return problems
}

// plain tells a URL from the name of a credential.
func plain(s string) bool { return strings.Contains(s, "://") }

// parse reads a URL to send to. Its error never repeats it.
func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, errors.New("it is not a URL of http or https: write it like https://host/path")
	}
	return u, nil
}
