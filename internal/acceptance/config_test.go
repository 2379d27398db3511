package acceptance_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const web = service.ID("production/web")

// config is a configuration of one service with knobs.
type config struct {
	Name    string // of the service: web
	Version string
	// Config of the release beside GREETING: what is wrong with it (tools/demo/internal/web).
	Config map[string]string
	// Without leaves stages out.
	Without map[service.Stage]bool
	// NoRouter: nothing splits the traffic; OneSlot: a release interrupts the one before.
	NoRouter, OneSlot bool
	// Weight of the split, 100 by default; Pause of its one step, none by default.
	Weight int
	Pause  string
	// Until is a file that a step at half of the traffic lasts for: until it is there, a check of the split is not done.
	Until string
	// Fails has the named stage fail, Holds has it wait until it is killed.
	Fails, Holds service.Stage
	// Fail is a check of preflight or verification that fails; Health and other arguments.
	MinHealthyTime string
	Unprotected    bool
	// KeepPrevious of the finalization, its default where it is 0.
	KeepPrevious int
	Bake         string
	SmokeLatency string
	// Backups is a directory that the checkpoint saves, beside what a command does.
	Backups string
	// BreakRouter: the smoke test breaks the router.
	BreakRouter   bool
	ExtraProvider string
	ExtraContent  string
	ExtraService  string
	Extra         string
	ArtifactPath  string

	rig *rig
}

func (c config) Rig() *rig            { return c.rig }
func (c config) Has(s string) bool    { return !c.Without[service.Stage(s)] }
func (c config) Fail(s string) bool   { return c.Fails == service.Stage(s) }
func (c config) Hold(s string) bool   { return c.Holds == service.Stage(s) }
func (c config) Store() string        { return c.rig.storeURL }
func (c config) Port(slot string) int { return c.rig.ports[slot] }

// Before is the expression of the release that the stage before a stage exports.
func (c config) Before(s string) string {
	from := map[service.Stage]string{
		service.StageSmokeTest: "release", service.StageRelease: "release", service.StageTrafficSplit: "promoted", service.StageVerification: "release",
	}
	expression := ""
	for _, stage := range service.Stages {
		if stage == service.Stage(s) {
			break
		}
		if stage == service.StageTrafficSplit && c.NoRouter {
			continue
		}
		if attribute, exports := from[stage]; exports && c.Has(string(stage)) {
			expression = fmt.Sprintf("deploy_%s.%s.%s", stage, c.Name, attribute)
		}
	}
	return expression
}

var configTemplate = template.Must(template.New("").Parse(`
{{- if not .Extra }}
terraform {
  required_providers {
    deploy = { source = "registry.terraform.io/progressive-delivery/deploy" }
  }
}

provider "deploy" {
  store = "{{ .Store }}"
{{ .ExtraProvider }}
}
{{- end }}

locals {
  {{ .Name }} = {
    version  = "{{ .Version }}"
    artifact = data.deploy_artifact.{{ .Name }}.reference
    config   = { GREETING = "hello"{{ range $k, $v := .Config }}, {{ $k }} = "{{ $v }}"{{ end }} }
    host     = { command = ["./web"] }
{{ .ExtraContent }}
  }
}

data "deploy_artifact" "{{ .Name }}" {
  file = "{{ .ArtifactPath }}"
}

resource "deploy_service" "{{ .Name }}" {
  name        = "{{ .Name }}"
  environment = "production"
{{- if .Rig.Fleet }}
  platform = {{ .Rig.Fleet.Platform .OneSlot }}
{{- if not .NoRouter }}
  router = {{ .Rig.Fleet.Router }}
{{- end }}
{{- else }}
  platform = {
    host = {
      directory = "{{ .Rig.Host }}/{{ .Name }}"
      slots = {
        blue = { port = {{ .Port "blue" }} }
{{- if not .OneSlot }}
        green = { port = {{ .Port "green" }} }
{{- end }}
      }
      drain_timeout = "5s"
    }
  }
{{- if not .NoRouter }}
  router  = { caddy = { share_file = "{{ .Rig.ShareFile }}", admin = "{{ .Rig.Admin }}" } }
{{- end }}
{{- end }}
  metrics = {{ if .Rig.Fleet }}{{ .Rig.Fleet.Metrics }}{{ else }}{ scrape = {} }{{ end }}
{{ .ExtraService }}
}

{{- if .Has "preflight" }}

resource "deploy_preflight" "{{ .Name }}" {
  service = deploy_service.{{ .Name }}.id
  release = provider::deploy::release_id(deploy_service.{{ .Name }}.id, local.{{ .Name }})
{{- if .Fail "preflight" }}
  checks = { environment = { tcp = { address = "127.0.0.1:1", timeout = "1s" } } }
{{- else if .Hold "preflight" }}
  checks = { environment = { command = { argv = ["sleep", "300"], timeout = "5m" } } }
{{- end }}
}
{{- end }}

{{- if .Has "checkpoint" }}

resource "deploy_checkpoint" "{{ .Name }}" {
  service = deploy_service.{{ .Name }}.id
  release = {{ if .Has "preflight" }}deploy_preflight.{{ .Name }}.release{{ else }}provider::deploy::release_id(deploy_service.{{ .Name }}.id, local.{{ .Name }}){{ end }}
{{- if .Fail "checkpoint" }}
  backups = { data = { command = { save = ["false"], restore = ["true"] } } }
{{- else if .Backups }}
  backups = {
    uploads = { files = { path = "{{ .Backups }}" } }
    flags   = { command = { save = ["sh", "-c", "date > $DEPLOY_BACKUP/flags"], restore = ["true"] } }
  }
{{- else if .Hold "checkpoint" }}
  backups = { data = { command = { save = ["sleep", "300"], restore = ["true"], timeout = "5m" } } }
{{- end }}
}
{{- end }}

{{- if .Has "release" }}

resource "deploy_release" "{{ .Name }}" {
  service    = deploy_service.{{ .Name }}.id
{{- if .Has "checkpoint" }}
  checkpoint = deploy_checkpoint.{{ .Name }}.id
{{- else if .Has "preflight" }}
  depends_on = [deploy_preflight.{{ .Name }}]
{{- end }}
  content    = local.{{ .Name }}
  health     = { http = { path = "/healthz" }, min_healthy_time = "{{ .MinHealthyTime }}", healthy_deadline = "{{ if .Hold "release" }}5m{{ else }}20s{{ end }}", interval = "100ms" }
{{- if .Unprotected }}
  deletion_protection = false
{{- end }}
}
{{- end }}

{{- if .Has "smoke_test" }}

resource "deploy_smoke_test" "{{ .Name }}" {
  release = {{ .Before "smoke_test" }}
  checks = {
    home     = { http = { path = "/", max_latency = "{{ .SmokeLatency }}" } }
    checkout = { http = { path = "/checkout", json = { "$.status" = "paid" } } }
{{- if .BreakRouter }}
    saboteur = { command = { argv = ["sh", "-c", "rm -f {{ .Rig.ShareFile }} && mkdir {{ .Rig.ShareFile }}"] } }
{{- end }}
{{- if .Hold "smoke_test" }}
    slow = { command = { argv = ["sleep", "300"], timeout = "5m" } }
{{- end }}
  }
}
{{- end }}

{{- if and (.Has "traffic_split") (not .NoRouter) }}

resource "deploy_traffic_split" "{{ .Name }}" {
  release = {{ .Before "traffic_split" }}
  weight  = {{ .Weight }}
{{- if .Hold "traffic_split" }}
  steps = [{ weight = 50, pause = "5m" }]
{{- else if .Until }}
  steps  = [{ weight = 50 }]
  checks = { until = { command = { argv = ["timeout", "300", "sh", "-c", "until [ -e {{ .Until }} ]; do sleep 0.1; done"], timeout = "5m" } } }
{{- else if .Pause }}
  steps = [{ weight = 50, pause = "{{ .Pause }}" }]
{{- end }}
{{- if .Fail "traffic_split" }}
  analysis = { interval = "200ms", errors = { max_rate = 0.05 }, min_requests = 100000, max_pause = "2m" }
{{- else if .Fail "finalization" }}
  analysis = { interval = "200ms", errors = { max_rate = 0.05 }, min_requests = 10, max_pause = "2m" }
{{- end }}
}
{{- end }}

{{- if .Has "verification" }}

resource "deploy_verification" "{{ .Name }}" {
  release = {{ .Before "verification" }}
  checks = {
    home = { http = { path = "/" } }
{{- if .Fail "verification" }}
    integration = { command = { argv = ["sh", "-c", "echo three of four passed; exit 3"] } }
{{- else if .Hold "verification" }}
    slow = { command = { argv = ["sleep", "300"], timeout = "5m" } }
{{- end }}
  }
}
{{- end }}

{{- if .Has "finalization" }}

resource "deploy_finalization" "{{ .Name }}" {
  release = {{ .Before "finalization" }}
{{- if .KeepPrevious }}
  keep_previous = {{ .KeepPrevious }}
{{- end }}
{{- if .Hold "finalization" }}
  bake_time = "5m"
{{- else if .Bake }}
  bake_time = "{{ .Bake }}"
{{- end }}
}
{{- end }}
`))

func (r *rig) Host() string { return r.host }

func (r *rig) Fleet() *fleet { return r.fleet }

func (r *rig) ShareFile() string {
	if r.caddy == nil {
		return ""
	}
	return r.caddy.ShareFile
}

func (r *rig) Admin() string {
	if r.caddy == nil {
		return ""
	}
	return r.caddy.Admin
}

// hcl renders the configuration for a rig.
func (c config) hcl(r *rig) string {
	r.t.Helper()
	c.rig = r
	if c.Name == "" {
		c.Name = "web"
	}
	if c.Weight == 0 {
		c.Weight = 100
	}
	if c.MinHealthyTime == "" {
		c.MinHealthyTime = "100ms"
	}
	if c.SmokeLatency == "" {
		c.SmokeLatency = "10s"
	}
	if c.ArtifactPath == "" {
		c.ArtifactPath = built.web
	}
	if c.Hold("release") {
		c.Config = map[string]string{"FAULT": "never-healthy"}
	}
	var b strings.Builder
	if err := configTemplate.Execute(&b, c); err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

// failing is a configuration of a release that fails a stage by itself, or of a stage that fails it.
func failing(stage service.Stage, version string) config {
	c := config{Version: version, Fails: stage}
	switch stage {
	case service.StageRelease:
		c.Config = map[string]string{"FAULT": "never-healthy"}
	case service.StageSmokeTest:
		c.Config = map[string]string{"FAULT": "broken-checkout"}
	case service.StageTrafficSplit, service.StageFinalization:
		c.Config = map[string]string{"FAULT": "fails-under-traffic", "FAULT_SHARE": "0.5", "FAULT_AFTER": "5"}
	}
	return c
}

// failsOnCommand is the Config of a release that is good until the returned function commands it to fail half of its requests.
func (r *rig) failsOnCommand() (faulty map[string]string, command func()) {
	file := filepath.Join(r.dir, "fault")
	return map[string]string{"FAULT": "fails-on-command", "FAULT_SHARE": "0.5", "FAULT_FILE": file}, func() { writeFile(r.t, file, "") }
}

func (r *rig) deploy(c config) string {
	r.t.Helper()
	r.write(c.hcl(r))
	return r.apply(0)
}

func TestTemplateIsWhole(t *testing.T) {
	build(t)
	r := &rig{t: t, ports: map[string]int{"blue": 1, "green": 2}}
	for _, c := range []config{{Version: "1"}, {Version: "1", NoRouter: true}, {Version: "1", Without: map[service.Stage]bool{service.StageSmokeTest: true}}} {
		if text := c.hcl(r); strings.Contains(text, "release = \n") {
			t.Errorf("a stage has no release:\n%s", text)
		}
	}
}
