package caddy

import (
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/bluegreen"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Validate lists what is wrong with d as the router between slots; paths are relative to it, and empty where the
// service has the wrong slots. It looks at no disk and asks nobody.
func Validate(d service.CaddyRouter, slots []string) []service.Problem {
	problems := bluegreen.Validate(slots)
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	switch {
	case d.ShareFile == "":
		add("must name the file that Caddy reads the share from, such as /var/lib/caddy/web.share", "share_file")
	case !filepath.IsAbs(d.ShareFile):
		add("must be an absolute path, since Caddy reads the file from another directory", "share_file")
	case strings.HasSuffix(d.ShareFile, "/"):
		add("must be the path of a file, not of a directory", "share_file")
	case strings.ContainsAny(d.ShareFile, "{}\\\"`\n\r\t\x00"):
		add("must not hold braces, quotes, backslashes or control characters, which Caddy's placeholders do not take", "share_file")
	}
	if d.Admin != "" {
		if _, err := newAdminAPI(d.Admin); err != nil {
			add(err.Error(), "admin")
		}
	}
	if d.DrainTimeout < 0 {
		add("must not be negative", "drain_timeout")
	}
	return problems
}
