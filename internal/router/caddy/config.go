package caddy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// route is the part of a route of Caddy's HTTP server that is looked at.
type route struct {
	Match    []map[string]json.RawMessage `json:"match"`
	Handle   []handler                    `json:"handle"`
	Terminal bool                         `json:"terminal"`
}

// handler is one handler of a route: its kind, and its fields as they stand.
type handler map[string]json.RawMessage

func (h handler) kind() string { return text(h["handler"]) }

// subroutes are the routes of a subroute; none for any other handler.
func (h handler) subroutes() []route {
	var routes []route
	if h.kind() != "subroute" || json.Unmarshal(h["routes"], &routes) != nil {
		return nil
	}
	return routes
}

// routeList is a list of routes with its place in the configuration.
type routeList struct {
	place  string
	routes []route
	// missing says which requests do not come to it, by what is above it and before it; empty: none.
	missing string
}

// routeLists finds all lists of routes that requests come to, the nested ones included, in a fixed order. Those for errors and
// for answers of other servers are none.
func routeLists(config json.RawMessage, place string) []routeList {
	var http struct {
		Servers map[string]struct {
			Routes []route `json:"routes"`
		} `json:"servers"`
	}
	if json.Unmarshal(config, &http) != nil {
		return nil
	}
	var lists []routeList
	for _, name := range slices.Sorted(maps.Keys(http.Servers)) {
		if routes := http.Servers[name].Routes; routes != nil {
			lists = append(lists, routeList{place: place + ".servers." + name + ".routes", routes: routes}.andNested()...)
		}
	}
	return lists
}

// andNested is the list with those that are nested in it.
func (l routeList) andNested() []routeList {
	lists := []routeList{l}
	missing := l.missing
	for i, r := range l.routes {
		for j, h := range r.Handle {
			if nested := h.subroutes(); nested != nil {
				lists = append(lists, routeList{
					place: fmt.Sprintf("%s[%d].handle[%d].routes", l.place, i, j), routes: nested,
					missing: cmp.Or(missing, r.leavesOut(), answered(r.Handle[:j])),
				}.andNested()...)
			}
		}
		missing = cmp.Or(missing, r.stops())
	}
	return lists
}

// everyRequest are the matchers that tell sites apart: what comes to the service is behind one of them.
var everyRequest = []string{"host", "protocol", "tls"}

// leavesOut says which requests the route's matchers leave out, other than those to other sites; empty: none.
func (r route) leavesOut() string {
	var limits []string
	for _, set := range r.Match {
		limit := ""
		for _, kind := range slices.Sorted(maps.Keys(set)) {
			value := spaceless(string(set[kind]))
			if !slices.Contains(everyRequest, kind) && (kind != "path" || value != `["/*"]` && value != `["*"]`) {
				limit = kind + " " + value
			}
		}
		if limit == "" {
			return "" // Any of the sets is enough.
		}
		limits = append(limits, limit)
	}
	if len(limits) == 0 {
		return ""
	}
	return "only requests that match " + strings.Join(limits, " or ") + " come to it, which is not all of the traffic"
}

// stops says how the route ends every request; empty if it does not.
func (r route) stops() string {
	switch by := answered(r.Handle); {
	case len(r.Match) > 0:
		return ""
	case by == "" && r.Terminal:
		return "a route before it is the last one for every request"
	default:
		return by
	}
}

// answering are the handlers that answer every request they get.
var answering = []string{"static_response", "reverse_proxy", "file_server", "error", "acme_server", "metrics", "push", "php"}

// answers tells whether the handler itself answers every request.
func (h handler) answers() bool {
	return slices.Contains(answering, h.kind()) && string(h["pass_thru"]) != "true"
}

// answered says what answers every request of the handlers; empty if nothing does.
func answered(handlers []handler) string {
	if h := firstAnswer(handlers); h != nil {
		return "a " + h.kind() + " before it answers every request"
	}
	return ""
}

// firstAnswer is the handler that answers every request of the handlers, also inside of subroutes; nil if none does.
func firstAnswer(handlers []handler) handler {
	for _, h := range handlers {
		if h.answers() {
			return h
		}
		for _, r := range h.subroutes() {
			if len(r.Match) > 0 {
				continue
			}
			if found := firstAnswer(r.Handle); found != nil {
				return found
			}
		}
	}
	return nil
}

// flat is the list with one handler a route, where a route is for every request: Caddy joins such routes.
func (l routeList) flat() []route {
	var flat []route
	for _, r := range l.routes {
		if len(r.Match) > 0 || len(r.Handle) < 2 {
			flat = append(flat, r)
			continue
		}
		for j, h := range r.Handle {
			flat = append(flat, route{Handle: []handler{h}, Terminal: r.Terminal && j == len(r.Handle)-1})
		}
	}
	return flat
}

// variable finds the first variable of the list that has value, and the index of its route.
func variable(routes []route, value string) (name string, at int, found bool) {
	for at, route := range routes {
		for _, h := range route.Handle {
			if h.kind() != "vars" {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(h)) {
				if text(h[name]) == value {
					return name, at, true
				}
			}
		}
	}
	return "", 0, false
}

// sets tells whether one of the handlers sets the variable to another value for any request, also inside of subroutes.
func sets(handlers []handler, name, value string) bool {
	return slices.ContainsFunc(handlers, func(h handler) bool {
		if other, found := h[name]; found && h.kind() == "vars" && text(other) != value {
			return true
		}
		return slices.ContainsFunc(h.subroutes(), func(r route) bool { return sets(r.Handle, name, value) })
	})
}

// fileVariables are the values of all variables that come from a file.
func (l routeList) fileVariables() []string {
	var values []string
	for _, route := range l.routes {
		for _, h := range route.Handle {
			for _, name := range slices.Sorted(maps.Keys(h)) {
				if value := text(h[name]); h.kind() == "vars" && strings.Contains(value, "{file.") {
					values = append(values, value)
				}
			}
		}
	}
	return values
}

// hasExpression tells whether this very expression, and nothing else, decides about the route.
func (r route) hasExpression(want string) bool {
	if len(r.Match) != 1 || len(r.Match[0]) != 1 {
		return false
	}
	return spaceless(expression(r.Match[0])) == spaceless(want)
}

// expression of a matcher set: text, or an object with the text and a name.
func expression(match map[string]json.RawMessage) string {
	var named struct {
		Expr string `json:"expr"`
	}
	if json.Unmarshal(match["expression"], &named) == nil && named.Expr != "" {
		return named.Expr
	}
	return text(match["expression"])
}

// proxy finds the reverse proxy that every request of the handlers comes to, also inside of subroutes.
func proxy(handlers []handler) (handler, bool) {
	h := firstAnswer(handlers)
	return h, h != nil && h.kind() == "reverse_proxy"
}

// upstreams are the addresses that a reverse proxy sends to. The error says why they cannot be told.
func (h handler) upstreams() ([]string, error) {
	if _, dynamic := h["dynamic_upstreams"]; dynamic {
		return nil, fmt.Errorf("has dynamic upstreams, which cannot be compared")
	}
	var upstreams []struct {
		Dial string `json:"dial"`
	}
	if raw, ok := h["upstreams"]; ok {
		if err := json.Unmarshal(raw, &upstreams); err != nil {
			return nil, fmt.Errorf("has upstreams that cannot be read: %w", err)
		}
	}
	addresses := make([]string, len(upstreams))
	for i, u := range upstreams {
		addresses[i] = u.Dial
	}
	return addresses, nil
}

// text is a JSON string, or empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func spaceless(s string) string { return strings.Join(strings.Fields(s), "") }
