package acceptance_test

import (
	"strings"
	"testing"
)

// A plan says what a judgement takes, warns of what the metrics of the running release do not have, and the apply keeps to it.
func TestPlanOfAJudgement(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	defer r.traffic()()
	judged := func(version, business string) string {
		return strings.Replace(config{Version: version}.hcl(r), weightLine, weightLine+`
  checks   = { home = { tcp = {} } }
  advance  = "when_confident"
  analysis = {
    interval = "200ms"
    errors   = { max_rate = 0.2, margin = 0.2 }
    latency  = { threshold = "2s", margin = 0.2 }
    `+business+`
    max_pause = "2m"
  }`, 1)
	}
	r.write(judged("2", `business = { orders = { query = "http_request_total", versus_stable_min = 0.9 } }`))
	wantSaid(t, r.plan().text, "Unknown Metric", "http_request_total", "http_requests_total", "Nothing passes by it", "Latency Bound Replaced", "no bucket that ends at 2s", "2.5s")

	r.write(judged("2", `business = { orders = { query = "sum(orders)", versus_stable_min = 0.9 } }`))
	wantSaid(t, r.planFails(), `analysis.business["orders"].query`)

	r.write(judged("2", ""))
	p := r.plan()
	if strings.Contains(p.text, "Unknown Metric") {
		t.Errorf("everything is there, and yet:\n%s", p.text)
	}
	_, after := p.change("deploy_traffic_split.web")
	if lines, _ := after["judgement"].([]any); len(lines) != 3 {
		t.Errorf("the judgement is %v", after["judgement"])
	}
	wantSaid(t, p.text, "at most 20 percentage points above stable's", "each of 3 rules")
	if said := r.apply(0, "plan"); strings.Contains(said, "Latency Bound Replaced") {
		t.Errorf("the plan has said it already:\n%s", said)
	}
	r.runs("2")
	p = r.plan()
	wantActions(t, p, map[string]string{})
	if strings.Contains(p.text, "Warning") {
		t.Errorf("nothing changes, and yet:\n%s", p.text)
	}

	// The arguments alone: nothing is deployed, and the judgement is told anew.
	r.write(strings.Replace(judged("2", ""), "margin = 0.2 }", "margin = 0.1 }", 2))
	p = r.plan()
	wantActions(t, p, map[string]string{"traffic_split": "update"})
	wantSaid(t, p.text, "at most 10 percentage points above stable's")
	r.apply(0, "plan")
	wantActions(t, r.plan(), map[string]string{})
}
