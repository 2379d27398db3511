package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Check tells whether each node has the backend, may change its weights, and has a server in its slot for each instance of placements. A
// slot may have servers that no instance is at: the next split gives them nothing. One without a placement is not compared. The error names what differs, and the lines to paste into haproxy.cfg.
func (r *Router) Check(ctx context.Context, placements []service.Placement) error {
	bySlot := placed(placements)
	errs := r.each(func(n *node) error { return r.checkNode(ctx, n, bySlot) })
	for _, slot := range []string{blue, green} {
		if p, known := bySlot[slot]; known && len(p.Instances) == 0 {
			errs = append(errs, fmt.Errorf("slot %s has no instances", slot))
		}
	}
	if r.dynamic != nil {
		if _, err := r.dynamic.wanted(placements); err != nil {
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	var wrong *configError
	if errors.As(err, &wrong) {
		text := "Put these lines into haproxy.cfg, and reload HAProxy (`systemctl reload haproxy`):\n\n" + r.snippet(bySlot)
		if r.stateFile != "" {
			text += "\nwith these above it, which keep the weights over a reload and a restart:\n\n" + stateFileLines(r.stateFile)
		}
		return fmt.Errorf("HAProxy's running configuration does not split the traffic: %w\n\n%s", err, text) //nolint:staticcheck // a name
	}
	if err != nil {
		return fmt.Errorf("look for the split in HAProxy: %w", err)
	}
	return nil
}

// configError is something that other lines in haproxy.cfg remedy.
type configError struct{ text string }

func (e *configError) Error() string { return e.text }

func (r *Router) checkNode(ctx context.Context, n *node, placements map[string]service.Placement) error {
	fail := func(format string, a ...any) error {
		return &configError{n.client.String() + ": " + fmt.Sprintf(format, a...)}
	}
	info, err := n.client.Info(ctx)
	if err != nil {
		return err
	}
	if r.dynamic != nil && !info.Version.AtLeast(2, 6) {
		return fmt.Errorf("%s: servers can be added to HAProxy 2.6 and later, and this is %s: upgrade it, or name servers of haproxy.cfg", n.client, info.Version.Text)
	}
	level, err := n.client.Query(ctx, "show cli level")
	if err != nil {
		return err
	}
	if level := strings.TrimSpace(level[0]); level != "admin" {
		return fmt.Errorf("%s: the socket is of level %s, which changes no weights: write `stats socket … level admin` into the section global of haproxy.cfg, and reload HAProxy", n.client, level)
	}
	s, err := r.read(ctx, n)
	switch {
	case errors.Is(err, api.ErrNoBackend):
		return &configError{err.Error()}
	case err != nil:
		return err
	}
	stats, err := n.client.Stat(ctx, r.backend)
	if err != nil {
		return err
	}
	if err := r.checkAlgorithm(ctx, n, stats, info.Version); err != nil {
		return fail("%s", err)
	}
	if r.stateFile != "" {
		if err := n.files.Writable(ctx, r.stateFile); err != nil {
			return fmt.Errorf("node %s: the state file %s cannot be written: %w", n.name, r.stateFile, err)
		}
	}
	if r.dynamic != nil {
		return nil
	}
	for _, slot := range []string{blue, green} {
		if err := r.checkSlot(slot, s.servers, stats, placements); err != nil {
			return fail("%s", err)
		}
	}
	return nil
}

// checkSlot compares the servers of a slot with its placement.
func (r *Router) checkSlot(slot string, servers []api.Server, stats []api.Stat, placements map[string]service.Placement) error {
	for _, name := range r.servers[slot] {
		if _, found := find(servers, name); !found {
			return fmt.Errorf("backend %s has no server %s, which is named for slot %s", r.backend, name, slot)
		}
	}
	ours := r.slots(servers)[slot]
	if len(ours) == 0 {
		have := make([]string, len(servers))
		for i, s := range servers {
			have[i] = s.Name
		}
		return fmt.Errorf("backend %s has no server of slot %s: its servers are %s", r.backend, slot, listed(have))
	}
	for _, stat := range stats {
		if backup, _ := stat.Number("bck"); stat.Kind == api.KindServer && r.slotOf(stat.Name) == slot && backup > 0 {
			return fmt.Errorf("server %s is a backup, which gets traffic only when no other is up: its weight splits nothing", stat.Name)
		}
	}
	p, known := placements[slot]
	if !known {
		return nil
	}
	for _, instance := range p.Instances {
		i := slices.IndexFunc(ours, func(s api.Server) bool { return s.At(instance.Address) })
		if i < 0 {
			return elsewhere(slot, r.slots(servers)[slot], p)
		}
		ours = slices.Delete(ours, i, i+1) // one server for two instances would give each half
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
