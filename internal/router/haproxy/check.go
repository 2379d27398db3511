package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Check tells whether each node has the backend, may change its weights, and has a server in its slot for each instance of placements. A
// slot may have servers that no instance is at: the next split gives them nothing. One without a placement is not compared, and needs no
// server where the other has one. The error names what differs, and the lines to paste into haproxy.cfg: those alone that are missing, and
// such that a reload with them leaves the traffic where it is. Where no node says where that is, it is where the last release of placements is. It
// is a *delivery.SilentParts where all that is wrong is that nodes do not answer, while one does, and *delivery.Strangers where all is that
// servers get requests that may be somebody else's.
func (r *Router) Check(ctx context.Context, placements []service.Placement) error {
	bySlot := placed(placements)
	seen := make([]*sight, len(r.nodes))
	errs := r.each(func(n *node) error {
		s, err := r.sightOf(ctx, n, bySlot)
		seen[slices.Index(r.nodes, n)] = s
		return err
	})
	reload := false
	for i, s := range seen {
		if s == nil || len(s.wrong) == 0 {
			continue
		}
		reload = true
		for _, text := range s.wrong {
			errs = append(errs, fmt.Errorf("%s: %s", r.nodes[i].client, text))
		}
	}
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
	answers := slices.ContainsFunc(seen, func(s *sight) bool { return s != nil })
	if answers && err != nil && ctx.Err() == nil && !slices.ContainsFunc(errs, func(err error) bool { return err != nil && !silent(err) }) {
		return &delivery.SilentParts{Err: fmt.Errorf("look for the split in HAProxy: %w", err)}
	}
	if reload {
		return fmt.Errorf("HAProxy's running configuration does not split the traffic: %w\n\n%s", err, r.remedy(seen, placements)) //nolint:staticcheck // a name
	}
	if err != nil {
		return fmt.Errorf("look for the split in HAProxy: %w", err)
	}
	for i, s := range seen {
		for _, text := range s.strangers {
			errs = append(errs, fmt.Errorf("%s: %s", r.nodes[i].client, text))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &delivery.Strangers{Err: err}
	}
	return nil
}

// sight is what one node has for the split.
type sight struct {
	// wrong is what other lines in haproxy.cfg remedy, or other names in the definition.
	wrong []string
	// servers of the backend; absent: there is no backend.
	servers []api.Server
	absent  bool
	// balance is to be written, and backups not to be backups.
	balance bool
	backups []string
	// strangers are sentences on servers that may be somebody else's.
	strangers []string
	// saved says that a reload finds the servers in the state file as they are.
	saved bool
}

// sightOf looks at a node. The error says that it could not, or names what no lines for the backend remedy.
func (r *Router) sightOf(ctx context.Context, n *node, placements map[string]service.Placement) (*sight, error) {
	info, err := n.client.Info(ctx)
	if err != nil {
		return nil, err
	}
	if r.dynamic != nil && !info.Version.AtLeast(2, 6) {
		return nil, fmt.Errorf("%s: servers can be added to HAProxy 2.6 and later, and this is %s: upgrade it, or name servers of haproxy.cfg", n.client, info.Version.Text)
	}
	level, err := n.client.Query(ctx, "show cli level")
	if err != nil {
		return nil, err
	}
	if level := strings.TrimSpace(level[0]); level != "admin" {
		return nil, fmt.Errorf("%s: the socket is of level %s, which changes no weights: write `stats socket … level admin` into the section global of haproxy.cfg, and reload HAProxy", n.client, level)
	}
	s, err := r.read(ctx, n)
	switch {
	case errors.Is(err, api.ErrNoBackend):
		return &sight{absent: true, wrong: []string{strings.TrimPrefix(err.Error(), n.client.String()+": ")}}, nil
	case err != nil:
		return nil, err
	}
	stats, err := n.client.Stat(ctx, r.backend)
	if err != nil {
		return nil, err
	}
	found := &sight{servers: s.servers}
	if err := r.checkAlgorithm(ctx, n, stats, info.Version); err != nil {
		found.wrong, found.balance = append(found.wrong, err.Error()), true
	}
	if r.stateFile != "" {
		if err := n.files.Writable(ctx, r.stateFile); err != nil {
			return nil, fmt.Errorf("node %s: the state file %s on %s cannot be written: %w", n.name, r.stateFile, n.machine, err)
		}
		if behind, err := r.behindOf(ctx, n, s.servers); err == nil {
			found.saved = behind == ""
		}
	}
	if r.dynamic != nil {
		return found, nil
	}
	found.strangers = r.strangers(s.servers, placements)
	for _, slot := range []string{blue, green} {
		for _, stat := range stats {
			if backup, _ := stat.Number("bck"); stat.Kind == api.KindServer && r.slotOf(stat.Name) == slot && backup > 0 {
				found.backups = append(found.backups, stat.Name)
				found.wrong = append(found.wrong, fmt.Sprintf("server %s is a backup, which gets traffic only when no other is up: its weight splits nothing", stat.Name))
			}
		}
		if err := r.checkSlot(slot, s.servers, placements); err != nil {
			found.wrong = append(found.wrong, err.Error())
		}
	}
	return found, nil
}

// checkSlot compares the servers of a slot with its placement.
func (r *Router) checkSlot(slot string, servers []api.Server, placements map[string]service.Placement) error {
	for _, name := range r.servers[slot] {
		if _, found := find(servers, name); !found {
			return fmt.Errorf("backend %s has no server %s, which is named for slot %s: its servers are %s", r.backend, name, slot, listed(namesOf(servers)))
		}
	}
	p, known := placements[slot]
	ours := r.slots(servers)[slot]
	if len(ours) == 0 && (known || len(r.ours(servers)) == 0) {
		return fmt.Errorf("backend %s has no server of slot %s: its servers are %s", r.backend, slot, listed(namesOf(servers)))
	}
	if len(unserved(p, ours)) > 0 {
		return elsewhere(slot, ours, p)
	}
	return nil
}

// unserved are the instances of p that none of servers is at. One server for two instances would give each half.
func unserved(p service.Placement, servers []api.Server) []service.Instance {
	left := slices.Clone(servers)
	var without []service.Instance
	for _, instance := range p.Instances {
		i := slices.IndexFunc(left, func(s api.Server) bool { return s.At(instance.Address) })
		if i < 0 {
			without = append(without, instance)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	return without
}

func namesOf(servers []api.Server) []string {
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = s.Name
	}
	return names
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
