package caddy

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestValidate(t *testing.T) {
	const file = "/var/lib/caddy/web.share"
	for name, c := range map[string]struct {
		router service.CaddyRouter
		slots  []string
		// path of the one problem; "-": none.
		path string
	}{
		"least":              {service.CaddyRouter{ShareFile: file}, slots, "-"},
		"slots turned":       {service.CaddyRouter{ShareFile: file}, []string{"green", "blue"}, "-"},
		"admin by TCP":       {service.CaddyRouter{ShareFile: file, Admin: "http://localhost:2019/"}, slots, "-"},
		"admin by IPv6":      {service.CaddyRouter{ShareFile: file, Admin: "http://[::1]:2019"}, slots, "-"},
		"admin by socket":    {service.CaddyRouter{ShareFile: file, Admin: "unix//run/caddy.sock"}, slots, "-"},
		"one slot":           {service.CaddyRouter{ShareFile: file}, []string{"blue"}, ""},
		"no slots":           {service.CaddyRouter{ShareFile: file}, nil, ""},
		"another slot":       {service.CaddyRouter{ShareFile: file}, []string{"blue", "red"}, ""},
		"no file":            {service.CaddyRouter{}, slots, "share_file"},
		"relative":           {service.CaddyRouter{ShareFile: "web.share"}, slots, "share_file"},
		"directory":          {service.CaddyRouter{ShareFile: "/var/lib/"}, slots, "share_file"},
		"brace":              {service.CaddyRouter{ShareFile: "/var/{x}"}, slots, "share_file"},
		"line":               {service.CaddyRouter{ShareFile: "/var/a\nb"}, slots, "share_file"},
		"admin without http": {service.CaddyRouter{ShareFile: file, Admin: "localhost:2019"}, slots, "admin"},
		"admin by TLS":       {service.CaddyRouter{ShareFile: file, Admin: "https://localhost:2019"}, slots, "admin"},
		"admin with path":    {service.CaddyRouter{ShareFile: file, Admin: "http://localhost:2019/config"}, slots, "admin"},
		"admin with user":    {service.CaddyRouter{ShareFile: file, Admin: "http://me@localhost:2019"}, slots, "admin"},
		"relative socket":    {service.CaddyRouter{ShareFile: file, Admin: "unix/run/caddy.sock"}, slots, "admin"},
		"negative":           {service.CaddyRouter{ShareFile: file, DrainTimeout: -1}, slots, "drain_timeout"},
	} {
		problems := Validate(c.router, c.slots)
		_, err := New(c.router, c.slots)
		if c.path == "-" {
			if len(problems) != 0 || err != nil {
				t.Errorf("%s: %v, %v", name, problems, err)
			}
			continue
		}
		if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.path || err == nil {
			t.Errorf("%s: %v, %v; want one problem at %q", name, problems, err, c.path)
		}
	}
}
