package acceptance_test

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Bad input: an error on the attribute, in the plan wherever it can be decided there, and nothing changed.
func TestBadInputIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	replace := func(from, to string) func(string) string {
		return func(hcl string) string {
			if !strings.Contains(hcl, from) {
				t.Fatalf("the configuration has no %q", from)
			}
			return strings.Replace(hcl, from, to, 1)
		}
	}
	weightLine := "weight  = 100"
	for name, c := range map[string]struct {
		spoil func(string) string
		want  []string
	}{
		"no platform": {func(s string) string { return replace("platform = {\n    host = {", "platform = {\n    other = {")(s) }, []string{"host"}},
		"empty platform": {func(s string) string {
			return cut(s, "    host = {\n      directory", "drain_timeout = \"5s\"\n    }\n")
		}, []string{"platform", "host"}},
		"weights not rising":          {replace(weightLine, weightLine+"\n  steps = [{ weight = 50, pause = \"1s\" }, { weight = 10, pause = \"1s\" }]"), []string{"steps[1]", "higher"}},
		"weight 0":                    {replace(weightLine, "weight  = 0"), []string{"weight", "1"}},
		"weight 101":                  {replace(weightLine, "weight  = 101"), []string{"weight", "100"}},
		"missing artifact":            {replace(built.web, "/nowhere/web"), []string{"file", "/nowhere/web"}},
		"wrong digest":                {replace("file = \""+built.web+"\"", "file = \""+built.web+"\"\n  sha256 = \""+strings.Repeat("0", 64)+"\""), []string{"sha256"}},
		"a program that is not there": {replace(`command = ["./web"]`, `command = ["./app/web"]`), []string{"Program Not In Artifact", "content.host.command", "the artifact has web; write ./web"}},
		"typo in a duration":          {replace("min_healthy_time = \"100ms\"", "min_healthy_time = \"10 sec\""), []string{"min_healthy_time", "10 sec"}},
		"keep_previous below 0":       {replace("resource \"deploy_finalization\" \"web\" {", "resource \"deploy_finalization\" \"web\" {\n  keep_previous = -1"), []string{"keep_previous"}},
		"unknown credential":          {replace("    host     = {", "    secrets = { A = \"nobody\" }\n    host     = {"), []string{"nobody", "credential"}},
		"unknown key of the content":  {replace("    host     = {", "    hots = 1\n    host     = {"), []string{"hots"}},
		"unknown checkpoint":          {replace("checkpoint = deploy_checkpoint.web.id", "checkpoint = \"production/web/0-00000000/checkpoint\""), []string{"checkpoint"}},
		"a second stage of a kind": {func(s string) string {
			return s + "\nresource \"deploy_smoke_test\" \"two\" {\n  release = deploy_release.web.release\n  checks = { a = { tcp = {} } }\n}\n"
		}, []string{"deploy_smoke_test"}},
		"a split without a router": {func(s string) string { return cut(s, "  router  = {", "}\n") }, []string{"router"}},
		"analysis without metrics": {func(s string) string {
			return replace(weightLine, weightLine+"\n  analysis = { errors = { max_rate = 0.1 } }")(strings.Replace(s, "  metrics = { scrape = {} }\n", "", 1))
		}, []string{"metrics"}},
		"two services with one id": {func(s string) string {
			return s + "\nresource \"deploy_service\" \"two\" {\n  name = \"web\"\n  environment = \"production\"\n  platform = { host = { directory = \"/tmp/x\", slots = { blue = { port = 1 } } } }\n}\n"
		}, []string{"production/web"}},
		"two kinds of check": {replace("home     = { http = { path = \"/\", max_latency = \"10s\" } }", "home = { http = { path = \"/\" }, tcp = {} }"), []string{"home", "http", "tcp"}},
		"no checks":          {func(s string) string { return cut(s, "    home     = { http", "}\n") }, nil},
		"run budget":         {replace("provider \"deploy\" {", "provider \"deploy\" {\n  run_budget = \"10s\""), []string{"run_budget", "10s"}},
	} {
		if name == "no checks" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.write(c.spoil(config{Version: "1"}.hcl(r)))
			out := r.planFails()
			flat := strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
			for _, want := range c.want {
				if !strings.Contains(flat, want) {
					t.Errorf("the error does not say %q:\n%s", want, out)
				}
			}
		})
	}
	r.t = t
	if entries, err := os.ReadDir(r.store); err == nil && len(entries) > 0 {
		t.Errorf("a plan wrote to the store: %v", entries)
	}
}

// cut removes what is from begin to the end of the next end.
func cut(s, begin, end string) string {
	i := strings.Index(s, begin)
	j := strings.Index(s[i:], end)
	return s[:i] + s[i+j+len(end):]
}

func TestArchivesThatEscapeAreRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	for name, header := range map[string]*tar.Header{
		"dots":     {Name: "../escaped", Mode: 0o644, Typeflag: tar.TypeReg},
		"absolute": {Name: "/tmp/escaped", Mode: 0o644, Typeflag: tar.TypeReg},
		"link":     {Name: "link", Linkname: "/etc", Typeflag: tar.TypeSymlink},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			path := filepath.Join(t.TempDir(), "web.tar.gz")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			zipped := gzip.NewWriter(file)
			archive := tar.NewWriter(zipped)
			if err := archive.WriteHeader(header); err != nil {
				t.Fatal(err)
			}
			for _, c := range []func() error{archive.Close, zipped.Close, file.Close} {
				if err := c(); err != nil {
					t.Fatal(err)
				}
			}
			r.write(config{Version: "1", ArtifactPath: path}.hcl(r))
			if out := r.planFails(); !strings.Contains(out, header.Name) {
				t.Errorf("the error does not name the entry:\n%s", out)
			}
		})
	}
}

// What only an apply can find out.
func TestBadInputAtApply(t *testing.T) {
	t.Parallel()
	t.Run("a port that another program holds", func(t *testing.T) {
		r := newRig(t, false)
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", r.address("blue"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		r.write(config{Version: "1", NoRouter: true}.hcl(r))
		wantSaid(t, r.apply(1), fmt.Sprintf("Port %d", r.ports["blue"]), fmt.Sprintf("held by another program: process %d", os.Getpid()))
		if n := len(r.processes()); n != 0 {
			t.Errorf("%d processes run", n)
		}
	})
	t.Run("a store that cannot be written", func(t *testing.T) {
		r := newRig(t, false)
		if err := os.WriteFile(r.store, []byte("a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.write(config{Version: "1", NoRouter: true}.hcl(r))
		res := r.run("apply", "-auto-approve", "-no-color", "-input=false")
		if res.code != 1 || !strings.Contains(res.output, r.store) {
			t.Errorf("exit %d:\n%s", res.code, res.output)
		}
	})
	t.Run("a ledger object that does not parse", func(t *testing.T) {
		r := newRig(t, true)
		r.deploy(config{Version: "1"})
		number := r.view(web).State.Number
		path := filepath.Join(r.store, string(web), "ledger", eventName(number))
		if err := os.WriteFile(path, []byte("{garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := r.planFails(); !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " "), eventName(number)) {
			t.Errorf("the object is not named:\n%s", out)
		}
		r.run("apply", "-auto-approve", "-no-color", "-input=false")
		if data, _ := os.ReadFile(path); string(data) != "{garbage" {
			t.Errorf("the object was overwritten")
		}
	})
	t.Run("a service destroyed while a release of it still runs", func(t *testing.T) {
		r := newRig(t, true)
		r.deploy(config{Version: "1"})
		res := r.run("destroy", "-auto-approve", "-no-color", "-input=false", "-target=deploy_service.web")
		if res.code != 1 {
			t.Errorf("exit %d:\n%s", res.code, res.output)
		}
		wantSaid(t, res.output, "production/web/1-", "deletion_protection = false")
		r.runs("1")
	})
}
