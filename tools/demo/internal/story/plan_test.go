package story

import (
	"encoding/json"
	"slices"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
)

const planJSON = `{"format_version":"1.2","resource_changes":[
	{"address":"deploy_service.web","mode":"managed","type":"deploy_service","name":"web",
	 "change":{"actions":["update"],"before":{"status":"interrupted"},"after":{"status":"ready"}}},
	{"address":"deploy_release.web","mode":"managed","type":"deploy_release","name":"web","change":{"actions":["update"]}},
	{"address":"deploy_checkpoint.web","mode":"managed","type":"deploy_checkpoint","name":"web","change":{"actions":["no-op"]}},
	{"address":"data.deploy_artifact.web","mode":"data","type":"deploy_artifact","name":"web","change":{"actions":["read"]}}]}`

func TestPlanIsToldInALine(t *testing.T) {
	var p tfjson.Plan
	if err := json.Unmarshal([]byte(planJSON), &p); err != nil {
		t.Fatal(err)
	}
	if got := changes(&p); got != "update service, release" {
		t.Errorf("told as %q", got)
	}
	if got := serviceStatus(&p); got != interruptedStatus {
		t.Errorf("the service's status is %q, want %q", got, interruptedStatus)
	}
	if got := changes(&tfjson.Plan{}); got != "no changes" {
		t.Errorf("an empty plan is told as %q", got)
	}
}

func TestWarnings(t *testing.T) {
	const stdout = "Plan: 0 to add, 7 to change, 0 to destroy.\n\nWarning: Release Failed Before\n\n  with deploy_release.web,\n\nIt failed once.\n\n─────\n\nSaved the plan to: v5.tfplan\n"
	want := []string{"Warning: Release Failed Before", "with deploy_release.web,", "It failed once."}
	if got := warnings(stdout); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	if got := warnings("No changes.\n"); got != nil {
		t.Errorf("warnings %q where there are none", got)
	}
}

func TestWhatWasSaidIsFoundAcrossLines(t *testing.T) {
	const said = "Error: Preflight Failed\n\n  with deploy_preflight.web,\n\nhost\nc does not answer"
	if got := missing(said, []string{"Preflight Failed", "host c", "host b"}); !slices.Equal(got, []string{"host b"}) {
		t.Errorf("missing are %q, want host b alone", got)
	}
}
