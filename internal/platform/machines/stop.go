package machines

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Stop implements delivery.Platform. It returns within the drain timeout and a margin.
func (m *Machines) Stop(ctx context.Context, p service.Placement) error {
	if err := m.end(ctx, "stop", p, stopBody+"exit 0\n"); err != nil {
		return fmt.Errorf("stop %s: %w", p.Release, err)
	}
	return nil
}

// Remove implements delivery.Platform. The release's files stay until newer ones push them out, and the journal what was logged.
func (m *Machines) Remove(ctx context.Context, p service.Placement) error {
	if err := m.end(ctx, "remove", p, stopBody+removeBody); err != nil {
		return fmt.Errorf("remove %s: %w", p.Release, err)
	}
	return nil
}

// end does the same on all machines of a placement at once.
func (m *Machines) end(ctx context.Context, what string, p service.Placement, body string) error {
	parts, err := m.parts(p)
	if err != nil {
		return err
	}
	return each(parts, 0, func(_ int, p part) (err error) {
		if p.Existing != "" {
			err = p.endExisting(ctx, what)
		} else {
			_, err = p.change(ctx, what, p.endScript()+body, nil)
			err = p.explain(err)
		}
		if _, stays := m.definition.Hosts[p.host]; what == "remove" && p.host != "" && !stays {
			return p.leftBehind(err)
		}
		return err
	})
}

// leftBehind says how to end by hand what could not be removed from a host that the service has no more: nothing of ours comes back to it.
func (p part) leftBehind(err error) error {
	if err == nil || errors.Is(err, fence.ErrStale) { // A newer run sees to it.
		return err
	}
	systemctl := "systemctl"
	if p.Scope == service.ScopeUser {
		systemctl += " --user"
	} else if p.Sudo {
		systemctl = "sudo " + systemctl
	}
	return fmt.Errorf("%w; what it has enabled runs there, or starts when the host does: to end that, run `%s disable --now %s` on %s",
		err, systemctl, strings.Join(p.wanted(), " "), p.host)
}

// endScript names what is to be ended.
func (p part) endScript() string {
	var b strings.Builder
	b.WriteString("wanted=" + shellword.Quote(strings.Join(p.wanted(), " ")) + " marked=" + shellword.Quote(releaseMark(p.release)) + "\n")
	b.WriteString("recorded=" + shellword.Quote(fmt.Sprintf(`"placement":{"release":"%s","slot":"%s"`, p.release, p.slot)) + "\n")
	b.WriteString("of() { case $1 in\n")
	for _, i := range p.instances {
		fmt.Fprintf(&b, "%s) number=%d ;;\n", shellword.Quote(i.unit), i.number)
	}
	b.WriteString("esac; }\n")
	return b.String()
}
