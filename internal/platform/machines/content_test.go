package machines

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What a plan lets through starts: it is the same that the files of a start are made by.
func TestContentProblems(t *testing.T) {
	t.Parallel()
	const artifact = "file:web@sha256:0"
	command := func(words ...string) *service.HostContent { return &service.HostContent{Command: words} }
	for name, c := range map[string]struct {
		content     service.Content
		secret      string
		credentials bool
		at, want    string
	}{
		"nothing":                      {},
		"lines, tabs and quotes":       {content: service.Content{Config: map[string]string{"A": "a\n\t\"b\" $c `d` \\"}}},
		"line ends of Windows":         {content: service.Content{Config: map[string]string{"A": "MARK\r\n"}}, at: "config.A", want: `replace(…, "\r\n", "\n")`},
		"a control character":          {content: service.Content{Config: map[string]string{"A": "MARK\x1b[0m"}}, at: "config.A", want: "0x1b"},
		"no character":                 {content: service.Content{Config: map[string]string{"A": "MARK\ufffe"}}, at: "config.A", want: "U+FFFE"},
		"no UTF-8":                     {content: service.Content{Config: map[string]string{"A": "MARK\xff"}}, at: "config.A", want: "not UTF-8"},
		"a secret":                     {content: service.Content{Secrets: map[string]string{"A": "web_key"}}, secret: "MARK\r\n", at: "secrets.A", want: `the credential "web_key", has a carriage return`},
		"a secret in a file":           {content: service.Content{Secrets: map[string]string{"A": "web_key"}}, secret: "MARK\r\n\x00\xff", credentials: true},
		"config beside files":          {content: service.Content{Config: map[string]string{"A": "MARK\r"}}, credentials: true, at: "config.A", want: "carriage return"},
		"a program of systemd's signs": {content: service.Content{Artifact: artifact, Host: command("@web")}, at: "host.command", want: `"@web"`},
		"one of the release's files":   {content: service.Content{Artifact: artifact, Host: command("@web/run", "@x")}},
		"an argument":                  {content: service.Content{Artifact: artifact, Host: command("./web", "a", "MARK\ufffe")}, at: "host.command", want: "its word 2"},
		"the user's own unit":          {content: service.Content{Host: command("-web")}},
	} {
		d := service.HostPlatform{Directory: "/srv/web", Systemd: &service.Systemd{}}
		if c.credentials {
			d.Systemd.Secrets = service.SecretsCredentials
		}
		environment := map[string]string{}
		for name, value := range c.content.Config {
			environment[name] = value
		}
		for name := range c.content.Secrets {
			environment[name] = c.secret
		}
		problems := ContentProblems(d, c.content, environment)
		if c.want == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
			continue
		}
		if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.at || !strings.Contains(problems[0].Detail, c.want) || strings.Contains(problems[0].Detail, "MARK") {
			t.Errorf("%s: %v, want %q at %s", name, problems, c.want, c.at)
		}
	}
	if problems := ContentProblems(service.HostPlatform{}, service.Content{Secrets: map[string]string{"A": "a"}}, nil); len(problems) > 0 {
		t.Errorf("secrets that are not known yet: %v", problems)
	}
}
