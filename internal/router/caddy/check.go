package caddy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Check tells whether Caddy's running configuration splits by the share file, with exactly the addresses of placements
// behind their slots. A slot without a placement is not compared. The error names what differs, and the lines to paste
// into the Caddyfile.
func (r *Router) Check(ctx context.Context, placements []service.Placement) error {
	var config struct {
		Apps struct {
			HTTP json.RawMessage `json:"http"`
		} `json:"apps"`
	}
	if err := r.admin.get(ctx, "/config/", &config); err != nil {
		return fmt.Errorf("look for the split in Caddy's configuration: %w", err)
	}
	addresses := map[string][]string{}
	for _, p := range placements {
		if p.Placed() {
			addresses[p.Slot] = addressesOf(p)
		}
	}
	if err := r.compare(routeLists(config.Apps.HTTP, "apps.http"), addresses); err != nil {
		return fmt.Errorf("Caddy's running configuration does not split the traffic: %w\n\n"+ //nolint:staticcheck // a name
			"Put these lines into the site of the service in the Caddyfile, and reload Caddy:\n\n%s", err, snippet(r.file, addresses))
	}
	return nil
}

// compare looks at every list of routes that reads the share file: one that is wrong sends its share of the traffic to
// the wrong place.
func (r *Router) compare(lists []routeList, addresses map[string][]string) error {
	value := "{file." + string(r.file) + "}"
	found := false
	var others []string
	for _, list := range lists {
		name, at, ok := list.variable(value)
		if !ok {
			others = append(others, list.fileVariables()...)
			continue
		}
		found = true
		if err := list.hasSplit(name, at, addresses); err != nil {
			return fmt.Errorf("in %s, %w", list.place, err)
		}
	}
	switch {
	case found:
		return nil
	case len(others) > 0:
		return fmt.Errorf("no variable of it is %s, only %s", value, strings.Join(others, ", "))
	case len(lists) == 0:
		return errors.New("it has no HTTP routes at all")
	}
	return fmt.Errorf("no variable of it is %s", value)
}

// hasSplit looks for the two reverse proxies behind the variable's route.
func (l routeList) hasSplit(variable string, at int, addresses map[string][]string) error {
	if len(l.routes[at].Match) > 0 {
		return fmt.Errorf("the variable %s is set for some requests only: its route has a matcher", variable)
	}
	want := fmt.Sprintf("{http.request.uuid} < {http.vars.%s}", variable)
	var to, fallback handler
	for _, route := range l.routes[at+1:] {
		switch {
		case to == nil && route.hasExpression(want):
			p, ok := proxy(route.Handle)
			if !ok {
				return fmt.Errorf("the route with the expression %s has no reverse_proxy for slot %s", want, green)
			}
			to = p
		case len(route.Match) == 0:
			p, ok := proxy(route.Handle)
			if !ok {
				continue
			}
			if to == nil {
				return fmt.Errorf("no reverse_proxy behind the expression %s, and nothing else, comes before the one for all requests", want)
			}
			fallback = p
		}
		if fallback != nil {
			break
		}
	}
	if to == nil {
		return fmt.Errorf("no route has the expression %s, and nothing else, as its matcher", want)
	}
	if fallback == nil {
		return fmt.Errorf("no reverse_proxy without a matcher follows for slot %s", blue)
	}
	return errors.Join(sameUpstreams(green, to, addresses), sameUpstreams(blue, fallback, addresses))
}

func sameUpstreams(slot string, proxy handler, addresses map[string][]string) error {
	want, known := addresses[slot]
	if !known {
		return nil
	}
	got, err := proxy.upstreams()
	if err != nil {
		return fmt.Errorf("the reverse_proxy for slot %s %w", slot, err)
	}
	if !sameAddresses(got, want) {
		return fmt.Errorf("the reverse_proxy for slot %s sends to %s, and the slot is at %s", slot, listed(got), listed(want))
	}
	return nil
}

func listed(addresses []string) string {
	if len(addresses) == 0 {
		return "no address"
	}
	return strings.Join(addresses, " ")
}
