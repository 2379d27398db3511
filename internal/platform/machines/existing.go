package machines

import (
	"context"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// A unit that a user wrote and that runs already is a release like others: it is started, stopped and asked, and its files are left as they are.

// existing is the release that the user's unit is, where it runs on p's machine or is kept ready; nil where it does neither.
func (m *Machines) existing(ctx context.Context, p part) (*service.Release, error) {
	e := m.definition.Existing
	if e == nil {
		return nil, nil
	}
	out, err := p.look(ctx, p.prelude()+"show -p LoadState -p ActiveState -p ExecStart "+shellword.Quote(e.Unit)+"\n[ ! -e \"$dir/existing\" ] || echo Kept=yes\n")
	if err != nil {
		return nil, err
	}
	properties := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		properties[name] = value
	}
	runs := properties["ActiveState"] == "active" || properties["ActiveState"] == "reloading"
	if properties["LoadState"] != "loaded" || !runs && properties["Kept"] == "" {
		return nil, nil
	}
	r := service.Release{
		Content: service.Content{Version: e.Version, Host: &service.HostContent{Command: commandOf(properties["ExecStart"])}},
		// Started again, it is to have the time that a release has: min_healthy_time alone would delay the way back to what ran all along.
		Health: service.Health{
			HealthyDeadline: service.DefaultHealthyDeadline, ProgressDeadline: service.DefaultProgressDeadline,
			Interval: service.DefaultProbeInterval, Timeout: service.DefaultProbeTimeout,
		},
	}
	r.ID = r.Content.ReleaseID(m.id)
	r.Placement, err = m.placement(r.ID, e.Slot, e.Unit)
	return &r, err
}

// Existing implements delivery.Platform.
func (m *Machines) Existing(ctx context.Context) ([]service.InstanceState, error) {
	e := m.definition.Existing
	if e == nil {
		return nil, nil
	}
	content := service.Content{Version: e.Version} // The command, which its id hangs on, is not known where it does not run.
	p, err := m.placement(content.ReleaseID(m.id), e.Slot, e.Unit)
	if err != nil {
		return nil, err
	}
	return m.Inspect(ctx, p)
}

// commandOf reads the words of ExecStart as systemctl shows it, which does not tell words with spaces from several.
func commandOf(shown string) []string {
	_, text, found := strings.Cut(shown, "argv[]=")
	if !found {
		return nil
	}
	text, _, _ = strings.Cut(text, " ; ")
	return strings.Fields(text)
}

func (p part) startExisting(ctx context.Context) error {
	_, err := p.change(ctx, "start", "unit="+shellword.Quote(p.Existing)+"\n"+existingStartBody, nil)
	return p.explain(err)
}

func (p part) endExisting(ctx context.Context, what string) error {
	body := existingStopBody
	if what == "remove" {
		body += "rm -f \"$dir/existing\"\n"
	}
	_, err := p.change(ctx, what, "unit="+shellword.Quote(p.Existing)+"\n"+body+"exit 0\n", nil)
	return p.explain(err)
}
