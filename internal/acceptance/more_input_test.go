package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What there is to choose is named, also where it is to come; and what is not whole, empty or null says what to write.
func TestMoreBadInputIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	const services, artifacts = "resource \"deploy_service\" \"web\" {", "    host     = { command"
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"two platforms":    {"platform = {\n", "platform = {\n    kubernetes = { namespace = \"web\" }\n", []string{"exactly one of: host, kubernetes", "host and kubernetes are set"}},
		"two routers":      {"caddy = { share_file", "gateway_api = {}, caddy = { share_file", []string{"exactly one of: caddy, haproxy, gateway_api", "caddy and gateway_api are set"}},
		"prometheus":       {"metrics = { scrape = {} }", "metrics = { prometheus = { url = \"localhost:9090\" } }", []string{"metrics.prometheus.url", "Must be the URL of the server"}},
		"two contents":     {artifacts, "    kubernetes = { manifest = \"x\" }\n" + artifacts, []string{"xactly one of: host, kubernetes", "host and kubernetes are set"}},
		"half a percent":   {weightLine, "weight  = 2.5", []string{"2.5 is not a whole number"}},
		"an empty secret":  {artifacts, "    secrets = { A = \"\" }\n" + artifacts, []string{"secrets", "name of a credential"}},
		"an empty store":   {"store = \"file://" + r.store + "\"", "store = \"\"", []string{"is not a store", "file:///absolute/path"}},
		"no checkpoint":    {"checkpoint = deploy_checkpoint.web.id", "checkpoint = \"\"", []string{"checkpoint", "leave it out"}},
		"a null slot":      {"blue = { port = " + fmt.Sprint(r.ports["blue"]) + " }", "blue = null", []string{"slots[\"blue\"]", "remove it"}},
		"a deaf channel":   {services, services + "\n  notify = { team = { url = \"http://127.0.0.1:1/\", on = [] } }", []string{"notify[\"team\"].on", "leave `on` out"}},
		"an unknown one":   {"service    = deploy_service.web.id", "service    = \"production\"", []string{"production", "environment"}},
		"other content":    {"  content    = local.web", "  content    = merge(local.web, { version = \"2\" })", []string{"Checkpoint Not Retaken", "they differ in version: 1, and 2"}},
		"a policy's typo":  {weightLine, weightLine + "\n  analysis = { errors = {}, on_no_data = \"stop\" }", []string{"analysis.on_no_data", "\"stop\""}},
		"a budget of less": {"provider \"deploy\" {", "provider \"deploy\" {\n  run_budget = \"2m\"", []string{"at least", "planned so far", "run_budget is 2m"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			hcl := config{Version: "1"}.hcl(r)
			if !strings.Contains(hcl, c.from) {
				t.Fatalf("the configuration has no %q", c.from)
			}
			r.write(strings.Replace(hcl, c.from, c.to, 1))
			out := r.planFails()
			wantSaid(t, out, c.want...)
			if n := strings.Count(out, "Error:"); n != 1 {
				t.Errorf("%d errors, want one:\n%s", n, out)
			}
		})
	}
}

// A service that no ledger knows, under a plausible id: nothing is planned for it, or nothing is begun.
func TestUnknownService(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	hcl := config{Version: "1", NoRouter: true}.hcl(r)
	r.write(strings.ReplaceAll(hcl, "deploy_service.web.id", "\"production/nobody\""))
	res := r.run("apply", "-auto-approve", "-no-color", "-input=false")
	if res.code != 1 {
		t.Fatalf("exit %d:\n%s", res.code, res.output)
	}
	wantSaid(t, res.output, "production/nobody")
	if n := len(r.processes()); n != 0 {
		t.Errorf("%d processes run", n)
	}
}

// A configuration of its own state that names the service without declaring it owns none of its stages.
func TestSecondConfigurationWithoutTheService(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	c := config{Version: "1", NoRouter: true}
	r.deploy(c)
	other := r.elsewhere()
	if err := os.Remove(filepath.Join(other.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	hcl := c.hcl(r)
	begin := strings.Index(hcl, "resource \"deploy_service\" \"web\" {")
	end := begin + strings.Index(hcl[begin:], "\n}\n") + 3
	hcl = strings.ReplaceAll(hcl[:begin]+hcl[end:], "deploy_service.web.id", "\"production/web\"")
	for _, version := range []string{"1", "2"} {
		other.write(strings.Replace(hcl, "version  = \"1\"", "version  = \""+version+"\"", 1))
		before := r.processes()
		res := other.run("apply", "-auto-approve", "-no-color", "-input=false")
		if res.code != 1 {
			t.Fatalf("exit %d:\n%s", res.code, res.output)
		}
		wantSaid(t, res.output, "Already Managed", "terraform import")
		if after := r.processes(); !slices.Equal(before, after) {
			t.Errorf("processes were %v and are %v", before, after)
		}
	}
	r.runs("1")
	wantActions(t, r.plan(), map[string]string{})
}

// Import: a checkpoint by its own id, a service as it was written, also what defaults say; and what is not there is said.
func TestImportOfMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	defaults := func(c config) string {
		hcl := strings.Replace(c.hcl(r), `drain_timeout = "5s"`, "drain_timeout = \"30s\"\n      address = \"127.0.0.1\"\n      log = { max_size = 10 }", 1)
		return strings.Replace(hcl, "metrics = { scrape = {} }", "metrics = { scrape = { path = \"/metrics\", timeout = \"5000ms\" } }\n  notify = {}", 1)
	}
	r.write(defaults(config{Version: "1"}))
	r.apply(0)
	r.write(defaults(config{Version: "2", Weight: 25}))
	r.apply(0)
	other := r.elsewhere()
	if err := os.Remove(filepath.Join(other.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{"service": string(web), "checkpoint": string(r.view(web).State.OpenAttempt().Release) + "/checkpoint"}
	for _, nothing := range []string{"production/nothing", "nothing"} {
		for _, kind := range []string{"service", "release"} {
			res := other.run("import", "-no-color", "-input=false", "deploy_"+kind+".web", nothing)
			if res.code != 1 {
				t.Fatalf("%s was imported as a %s: %s", nothing, kind, res.output)
			}
			wantSaid(t, res.output, nothing)
		}
	}
	for _, kind := range append([]service.Stage{"service"}, service.Stages...) {
		id := string(web)
		if own := ids[string(kind)]; own != "" {
			id = own
		}
		if res := other.run("import", "-no-color", "-input=false", "deploy_"+string(kind)+".web", id); res.code != 0 {
			t.Fatalf("import %s: %s", kind, res.output)
		}
	}
	wantActions(t, other.plan(), map[string]string{})
	other.write(defaults(config{Version: "2"}))
	other.apply(0)
	other.runs("2")
}

// A store whose objects are gone says so, whole or a ledger of it, for one stage alone, too; nothing is planned or forgotten.
func TestStoreThatLostItsObjects(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.deploy(config{Version: "1", NoRouter: true})
	kept := r.store + ".kept"
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(r.store, kept)
	if err := os.MkdirAll(r.store, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"-target=deploy_smoke_test.web"}, {"-refresh=false"}, {"-destroy"}} {
		wantSaid(t, r.planFails(args...), "Ledger Lost", "is empty")
	}
	if err := os.RemoveAll(r.store); err != nil {
		t.Fatal(err)
	}
	rename(kept, r.store)
	ledger := filepath.Join(r.store, "production")
	rename(ledger, kept)
	for _, args := range [][]string{nil, {"-target=deploy_smoke_test.web"}} {
		wantSaid(t, r.planFails(args...), "Ledger Lost", "holds no ledger of production/web")
	}
	rename(kept, ledger)
	wantActions(t, r.plan(), map[string]string{})
	r.runs("1")
}

// A store that cannot be written is an error that names it, and nothing runs.
func TestStoreThatIsReadOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.store = filepath.Join(r.store, "read-only")
	if err := os.MkdirAll(r.store, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		r.store = "/proc/sys/deploy" // Permissions do not bind root.
	}
	r.storeURL = "file://" + r.store
	r.write(config{Version: "1", NoRouter: true}.hcl(r))
	res := r.run("apply", "-auto-approve", "-no-color", "-input=false")
	if res.code != 1 {
		t.Fatalf("exit %d:\n%s", res.code, res.output)
	}
	wantSaid(t, res.output, r.store)
	if n := len(r.processes()); n != 0 {
		t.Errorf("%d processes run", n)
	}
}
