package acceptance_test

import (
	"strings"
	"testing"
)

// A digest goes to production only after it was finalized in staging, and a data source says what stands there.
func TestPromotion(t *testing.T) {
	t.Parallel()
	staging, production := newRig(t, false), newRig(t, false)
	production.store, production.storeURL = staging.store, staging.storeURL
	toStaging := func(s string) string { return strings.ReplaceAll(s, `"production"`, `"staging"`) }
	require := func(s string) string {
		s = strings.Replace(s, "data \"deploy_artifact\" \"web\" {", "data \"deploy_artifact\" \"web\" {\n  service = \"production/web\"\n  require = { passed_in = { service = \"staging/web\" } }", 1)
		return s + "\ndata \"deploy_release\" \"staging\" { service = \"staging/web\" }\noutput \"staging\" { value = data.deploy_release.staging.version }\n"
	}
	c := config{Version: "1", NoRouter: true}
	production.write(require(c.hcl(production)))
	if out := production.planFails(); !strings.Contains(out, "staging/web") {
		t.Errorf("refused for another reason:\n%s", out)
	}
	staging.write(toStaging(c.hcl(staging)))
	staging.apply(0)
	production.apply(0)
	production.runs("1")
	if res := production.run("output", "-raw", "staging"); res.output != "1" {
		t.Errorf("staging runs %q by the data source", res.output)
	}
	// What stands is not asked for its papers again.
	wantActions(t, production.plan(), map[string]string{})
}
