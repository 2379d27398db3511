package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// checkAlgorithm tells whether the backend's algorithm honours weights that are changed while HAProxy runs.
//
// What `show stat` says does not tell a hash with `hash-type consistent`, which does, from one without, which does not; and random reads as
// unknown. But HAProxy refuses to add a server to a backend that does not, before it looks at the server: so it is asked to add one whose
// name no server can have.
func (r *Router) checkAlgorithm(ctx context.Context, n *node, stats []api.Stat, version api.Version) error {
	algorithm := ""
	for _, s := range stats {
		if s.Kind == api.KindBackend {
			algorithm = s.Text("algo")
		}
	}
	const remedy = "write `balance roundrobin` into it"
	static := slices.Contains([]string{"static-rr", "source", "uri", "url_param", "hdr", "rdp-cookie", "hash"}, algorithm)
	if version.AtLeast(2, 6) {
		static = false
		_, err := n.client.Command(ctx, "add server "+r.at("no/server")+" 127.0.0.1:1")
		var refused *api.AnswerError
		switch {
		case !errors.As(err, &refused):
			return err
		case errors.Is(err, api.ErrNoBackend):
			// A section without its backend half cannot be what was read a moment ago.
			return err
		case strings.Contains(refused.Answer, "dynamic load balancing"):
			static = true
		}
	}
	switch {
	case algorithm == "first":
		return fmt.Errorf("the algorithm of backend %s is first, which knows no weights: %s", r.backend, remedy)
	case static && algorithm == "static-rr":
		return fmt.Errorf("the algorithm of backend %s is static-rr, whose weights cannot be changed while HAProxy runs: %s", r.backend, remedy)
	case static:
		return fmt.Errorf("the algorithm of backend %s is %s, whose weights cannot be changed while HAProxy runs: %s, or `hash-type consistent` beside it", r.backend, algorithm, remedy)
	}
	return nil
}
