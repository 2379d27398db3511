package haproxy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// remedy says what belongs into haproxy.cfg of each node, once for those that need the same.
func (r *Router) remedy(seen []*sight, placements []service.Placement) string {
	var texts []string
	nodes := map[string][]string{}
	for i, s := range seen {
		if s == nil || len(s.wrong) == 0 {
			continue
		}
		text := r.remedyOf(s, r.traffic(s, seen, placements), placed(placements))
		if len(nodes[text]) == 0 {
			texts = append(texts, text)
		}
		nodes[text] = append(nodes[text], r.nodes[i].name)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	for i, text := range texts {
		texts[i] = "On node " + strings.Join(nodes[text], ", ") + ":\n\n" + text
	}
	return strings.Join(texts, "\n\n")
}

// traffic tells which slots' new servers may take requests at once, where there were none of ours: those that have the traffic on another
// node; else the one of the last release that is placed, unless the backend has servers beside ours, which have it.
func (r *Router) traffic(s *sight, seen []*sight, placements []service.Placement) map[string]bool {
	if len(r.ours(s.servers)) > 0 || slices.ContainsFunc(s.servers, func(s api.Server) bool { return current(s) > 0 }) {
		return nil
	}
	for _, other := range seen {
		if other == nil {
			continue
		}
		if weights := r.weightsOf(other.servers); weights[blue]+weights[green] > 0 {
			return map[string]bool{blue: weights[blue] > 0, green: weights[green] > 0}
		}
	}
	slot := ""
	for _, p := range placements {
		if p.Placed() && (slot == "" || p.Release != "") {
			slot = p.Slot
		}
	}
	return map[string]bool{cmp.Or(slot, blue): true}
}

func (r *Router) ours(servers []api.Server) []api.Server {
	return slices.DeleteFunc(slices.Clone(servers), func(s api.Server) bool { return r.slotOf(s.Name) == "" })
}

// remedyOf is the text for one node.
func (r *Router) remedyOf(s *sight, traffic map[string]bool, placements map[string]service.Placement) string {
	var lines, beside []string
	if s.absent || s.balance {
		lines = append(lines, "balance roundrobin")
	}
	if s.absent && r.stateFile != "" {
		lines = append(lines, "load-server-state-from-file global")
	}
	added := false
	if r.dynamic == nil {
		namer := r.namer(s.servers, placements)
		for _, slot := range []string{blue, green} {
			more, hints := r.slotLines(slot, s, namer, traffic[slot], placements)
			added = added || len(more) > 0
			lines, beside = append(lines, more...), append(beside, hints...)
		}
	}
	var parts []string
	if len(lines) > 0 {
		parts = append(parts, fmt.Sprintf("Put these lines into haproxy.cfg, and reload HAProxy (`systemctl reload haproxy`):\n\nbackend %s\n    %s", r.backend, strings.Join(lines, "\n    ")))
	}
	if added && !s.absent {
		parts = append(parts, "`disabled` keeps requests from a new server until the next split gives it its share. Other keywords that its neighbours have, such as `ssl` or `cookie`, belong to its line as well.")
	}
	for _, name := range s.backups {
		parts = append(parts, fmt.Sprintf("Take `backup` out of the line of server %s, and reload HAProxy.", name))
	}
	needsReload := len(lines)+len(s.backups) > 0
	if keep := r.keeping(s.servers); needsReload && len(keep) > 0 && !s.saved {
		parts = append(parts, fmt.Sprintf("Before that reload, write these in place of the lines of the same servers, and leave what other keywords they have: as they are, haproxy.cfg brings back %s, and the traffic is split %s.\n\n    %s",
			shares(r.reloaded(s.servers)), shares(r.weightsOf(s.servers)), strings.Join(keep, "\n    ")))
	}
	if needsReload && r.stateFile != "" {
		parts = append(parts, "Above it belong these lines, where they are not there yet; they keep the weights over that reload, and later ones:\n\n"+strings.TrimSuffix(stateFileLines(r.stateFile), "\n"))
	}
	return strings.Join(append(parts, beside...), "\n\n")
}

// slotLines are those that are missing for a slot, and what to do beside haproxy.cfg.
func (r *Router) slotLines(slot string, s *sight, names *namer, takes bool, placements map[string]service.Placement) (lines, beside []string) {
	p, known := placements[slot]
	ours := r.slots(s.servers)[slot]
	if !known && len(ours) == 0 {
		return []string{fmt.Sprintf("# and a server for each instance of slot %s, before a release comes to it", slot)}, nil
	}
	var absent, used, unnamed, there []string
	for _, name := range r.servers[slot] {
		if _, found := find(s.servers, name); !found {
			absent = append(absent, name)
		}
	}
	missing := unserved(p, ours)
	for _, instance := range missing {
		if i := slices.IndexFunc(s.servers, func(s api.Server) bool { return r.slotOf(s.Name) == "" && s.At(instance.Address) }); i >= 0 {
			there = append(there, s.servers[i].Name)
			continue
		}
		var name string
		if len(absent) > 0 {
			name, absent = absent[0], absent[1:]
			used = append(used, name)
		} else {
			name = names.next(slot, instance, len(missing) == 1)
			unnamed = append(unnamed, name)
		}
		lines = append(lines, fmt.Sprintf("server %s %s%s", name, instance.Address, options(r.ours(s.servers), takes)))
	}
	if len(used) > 0 {
		beside = append(beside, fmt.Sprintf("Or correct `servers` of the router, where the servers of slot %s have other names than %s.", slot, listed(used)))
	}
	foreign := func(name string) bool { return !namedFor(name, slot) }
	if len(there) > 0 || len(unnamed) > 0 && (len(r.servers[slot]) > 0 || slices.ContainsFunc(unnamed, foreign)) {
		beside = append(beside, fmt.Sprintf("Name them in `servers` of the router: `%s = %s`.", slot, quotedList(slices.Concat(namesOf(ours), used, there, unnamed))))
	}
	if len(absent) > 0 {
		beside = append(beside, fmt.Sprintf("Take %s out of `servers` of the router, or write there what the servers of slot %s are called in haproxy.cfg.", listed(absent), slot))
	}
	return lines, beside
}

// quotedList is names as HCL has a list.
func quotedList(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%q", name)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// stateFileLines have HAProxy read servers' state from path when it starts.
func stateFileLines(path string) string {
	return fmt.Sprintf("global\n    server-state-file %s\ndefaults\n    load-server-state-from-file global\n", path)
}
