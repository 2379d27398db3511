package machines

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// LogsMissing says what of the lines that p's instances wrote since they were started Logs cannot return however many it is
// asked for; empty: nothing.
func (m *Machines) LogsMissing(ctx context.Context, p service.Placement) (string, error) {
	instances, err := m.single(ctx, p)
	if err != nil {
		return "", fmt.Errorf("look whether the log of %s is complete: %w", p.Release, err)
	}
	reasons := make([]string, len(instances))
	err = each(instances, 0, func(n int, one part) error {
		k, err := one.kept(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", one.instances[0].Name, err)
		}
		if why := k.missing(); why != "" {
			reasons[n] = one.instances[0].Name + ": " + why
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look whether the log of %s is complete: %w", p.Release, err)
	}
	var told []string
	for _, reason := range reasons {
		if reason != "" {
			told = append(told, reason)
		}
	}
	return strings.Join(told, "; "), nil
}

// kept is what the journal has of an instance.
type kept struct {
	// started is when the instance was, zero where it was not; oldest is the journal's first entry, zero where there is none.
	started, oldest time.Time
	// seen: there is an entry of the instance, or one of systemd's about it.
	seen bool
	// dropped is what journald says of lines that it dropped; empty: none.
	dropped string
}

// kept asks for what the journal has of the part's only instance. A journal that cannot be read is an error.
func (p part) kept(ctx context.Context) (kept, error) {
	out, err := p.look(ctx, p.prelude()+p.sinceScript()+missingBody)
	if err != nil {
		return kept{}, p.explain(err)
	}
	said := map[string]string{}
	for line := range strings.Lines(out) {
		word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[word] = value
	}
	return kept{started: seconds(said["since"]), oldest: seconds(said["oldest"]), seen: said["seen"] != "", dropped: said["dropped"]}, nil
}

// missing says what of the instance's lines is not there; empty: nothing.
func (k kept) missing() string {
	switch {
	case k.dropped != "":
		return "the journal dropped lines: " + k.dropped
	case k.late():
		return fmt.Sprintf("the journal begins at %s, and it was started at %s", moment(k.oldest), moment(k.started))
	case k.blind():
		return k.nothing()
	}
	return ""
}

// late tells whether the journal begins after the instance.
func (k kept) late() bool { return !k.started.IsZero() && k.oldest.After(k.started) }

// blind tells whether nothing of the instance comes into the journal, or is shown to who reads it.
func (k kept) blind() bool { return !k.started.IsZero() && !k.seen && !k.late() }

func (k kept) nothing() string {
	return fmt.Sprintf("the journal has nothing of it since it was started at %s, not even that systemd started it: what it writes is not kept (Storage= and "+
		"MaxLevelStore= in journald.conf, LogLevel= in systemd's own), or not shown to the user who logs in (who can be made a member of the group systemd-journal)", moment(k.started))
}
