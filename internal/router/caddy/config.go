package caddy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// route is the part of a route of Caddy's HTTP server that is looked at.
type route struct {
	Match  []map[string]json.RawMessage `json:"match"`
	Handle []handler                    `json:"handle"`
}

// handler is one handler of a route: its kind, and its fields as they stand.
type handler map[string]json.RawMessage

func (h handler) kind() string { return text(h["handler"]) }

// routeList is a list of routes with its place in the configuration.
type routeList struct {
	place  string
	routes []route
}

// routeLists finds all lists of routes in the configuration of Caddy's HTTP servers, the nested ones included, in a
// fixed order.
func routeLists(config json.RawMessage, place string) []routeList {
	var lists []routeList
	var object map[string]json.RawMessage
	if json.Unmarshal(config, &object) == nil {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			at := strings.TrimPrefix(place+"."+key, ".")
			var routes []route
			if key == "routes" && json.Unmarshal(object[key], &routes) == nil {
				lists = append(lists, routeList{place: at, routes: routes})
			}
			lists = append(lists, routeLists(object[key], at)...)
		}
		return lists
	}
	var array []json.RawMessage
	if json.Unmarshal(config, &array) == nil {
		for i, element := range array {
			lists = append(lists, routeLists(element, fmt.Sprintf("%s[%d]", place, i))...)
		}
	}
	return lists
}

// variable finds the first variable of the list that has value, and the index of its route.
func (l routeList) variable(value string) (name string, at int, found bool) {
	for at, route := range l.routes {
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
	for _, h := range handlers {
		switch h.kind() {
		case "reverse_proxy":
			return h, true
		case "subroute":
			var routes []route
			if json.Unmarshal(h["routes"], &routes) != nil {
				continue
			}
			for _, r := range routes {
				if len(r.Match) > 0 {
					continue
				}
				if found, ok := proxy(r.Handle); ok {
					return found, true
				}
			}
		}
	}
	return nil, false
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
