package caddy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Probe asks nothing: nothing is added to Caddy's configuration.
func (r *Router) Probe(context.Context) error { return nil }

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
	var partial error
	for _, list := range lists {
		routes := list.flat()
		name, at, ok := variable(routes, value)
		if !ok {
			others = append(others, list.fileVariables()...)
			continue
		}
		if err := hasSplit(routes, at, name, value, addresses); err != nil {
			return fmt.Errorf("in %s, %w", list.place, err)
		}
		if list.missing != "" {
			partial = fmt.Errorf("it does in %s, but %s", list.place, list.missing)
			continue
		}
		found = true
	}
	switch {
	case found:
		return nil
	case partial != nil:
		return partial
	case len(others) > 0:
		return fmt.Errorf("no variable of it is %s, only %s", value, strings.Join(others, ", "))
	case len(lists) == 0:
		return errors.New("it has no HTTP routes at all")
	}
	return fmt.Errorf("no variable of it is %s", value)
}

// hasSplit looks for the two reverse proxies behind the route that sets the variable to value, and for what keeps requests
// from them.
func hasSplit(routes []route, at int, name, value string, addresses map[string][]string) error {
	if len(routes[at].Match) > 0 {
		return fmt.Errorf("the variable %s is set for some requests only: its route has a matcher", name)
	}
	for _, before := range routes[:at] {
		if by := before.stops(); by != "" {
			return fmt.Errorf("no request comes to the variable %s: %s", name, by)
		}
	}
	want := fmt.Sprintf("{http.request.uuid} < {http.vars.%s}", name)
	var to, fallback handler
	for _, route := range routes[at+1:] {
		switch {
		case to == nil && route.hasExpression(want):
			p, ok := proxy(route.Handle)
			if !ok {
				return fmt.Errorf("the route with the expression %s has no reverse_proxy for slot %s that answers first", want, green)
			}
			to = p
		case to == nil && sets(route.Handle, name, value):
			return fmt.Errorf("the variable %s is set once more, before it is compared: the share file does not decide", name)
		case len(route.Match) == 0:
			p, ok := proxy(route.Handle)
			switch by := route.stops(); {
			case ok && to == nil:
				return fmt.Errorf("no reverse_proxy behind the expression %s, and nothing else, comes before the one for all requests", want)
			case ok:
				fallback = p
			case by != "" && to == nil:
				return fmt.Errorf("no request comes to the route with the expression %s: %s", want, by)
			case by != "":
				return fmt.Errorf("no request comes to the reverse_proxy for slot %s: %s", blue, by)
			}
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
