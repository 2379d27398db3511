package haproxy

import (
	"fmt"
	"slices"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// strangers has a sentence on each server that may be somebody else's: by its name alone it is a slot's, none of the slot's instances is there, and
// it gets requests now, which the next split ends. Those of a host that was removed, or of ports that changed, look the same.
func (r *Router) strangers(servers []api.Server, placements map[string]service.Placement) []string {
	if r.dynamic != nil {
		return nil
	}
	var said []string
	for _, slot := range []string{blue, green} {
		p, known := placements[slot]
		if !known || len(r.servers[slot]) > 0 {
			continue
		}
		ours := r.slots(servers)[slot]
		own := slices.DeleteFunc(slices.Clone(ours), func(s api.Server) bool { return !isOf(s, p) })
		for _, s := range ours {
			if isOf(s, p) || !s.Eligible() || s.Weight == 0 {
				continue
			}
			said = append(said, fmt.Sprintf("server %s at %s gets requests, is slot %s's by its name, and none of the slot's instances is there: a split takes its traffic away. "+
				"Where it is not the service's, list the slot's own servers in `servers` of the router: `%s = %s`; otherwise take it out of haproxy.cfg", s.Name, s.Place(), slot, slot, quotedList(namesOf(own))))
		}
	}
	return said
}
