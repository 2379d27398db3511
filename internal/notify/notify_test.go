package notify

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		n service.Notification
		// path and detail are empty where nothing is wrong.
		path, detail string
	}{
		"credential":       {service.Notification{URL: "team_chat"}, "", ""},
		"plain URL":        {service.Notification{URL: "http://127.0.0.1:8080/hook", On: []string{"started", "succeeded", "rolled_back", "restore_failed"}}, "", ""},
		"nothing":          {service.Notification{}, "url", "name of a credential"},
		"URL, no scheme":   {service.Notification{URL: "hooks.example/x"}, "url", "neither a URL"},
		"other scheme":     {service.Notification{URL: "ftp://hooks.example/x"}, "url", "http or https"},
		"no host":          {service.Notification{URL: "https:///x"}, "url", "http or https"},
		"with a password":  {service.Notification{URL: "https://u:hunter2@hooks.example/"}, "url", "provider's credentials"},
		"unknown event":    {service.Notification{URL: "team_chat", On: []string{"start"}}, "on", "started, succeeded, rolled_back, restore_failed"},
		"an event, twice":  {service.Notification{URL: "team_chat", On: []string{"started", "started"}}, "on", "twice"},
		"does not parse":   {service.Notification{URL: "https://hunter2.example/%zz"}, "url", "http or https"},
		"space in a name":  {service.Notification{URL: "team chat"}, "url", "neither a URL"},
		"only a scheme":    {service.Notification{URL: "https://"}, "url", "http or https"},
		"user, no secrets": {service.Notification{URL: "https://user@hooks.example/"}, "url", "provider's credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := Validate(c.n)
			_, err := New("team", c.n, credentials{})
			if c.detail == "" {
				if len(problems) != 0 || err != nil {
					t.Errorf("refused: %v, %v", problems, err)
				}
				return
			}
			if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.path || !strings.Contains(problems[0].Detail, c.detail) {
				t.Fatalf("found %v, wanted one of %s: …%s…", problems, c.path, c.detail)
			}
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("New says %v", err)
			}
		})
	}
	if _, err := New("team", service.Notification{URL: "team_chat"}, nil); err == nil {
		t.Error("a credential without credentials was taken")
	}
}
