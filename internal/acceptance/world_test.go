package acceptance_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// runs asserts that a version, and nothing else, runs: by the ledger, by the router, by its own answers, by its processes.
func (r *rig) runs(version string) {
	r.t.Helper()
	r.runsService(web, version)
}

func (r *rig) runsService(id service.ID, version string) {
	r.t.Helper()
	view := r.view(id)
	stable := view.State.StableRelease()
	if stable == nil || stable.ID.Version() != version {
		r.t.Fatalf("stable is %s, want version %s", view.State.Stable, version)
	}
	if a := view.State.OpenAttempt(); a != nil {
		r.t.Errorf("attempt %d of %s is open", a.Number, a.Release)
	}
	slot := stable.Placement.Slot
	// What was stopped a moment ago may still be on its way out of the process table.
	r.await("one release's processes", func() bool { return r.running(id) == 1 })
	if r.caddy != nil {
		share, err := os.ReadFile(r.ShareFile())
		want := map[string]string{"blue": "0000", "green": "g"}[slot]
		if got := strings.TrimSpace(string(share)); err != nil && slot == "green" || err == nil && got != want {
			r.t.Errorf("the share file holds %q, want %q (%v)", got, want, err)
		}
	}
	for _, url := range r.urls() {
		if body, code := get(url + "/"); code != http.StatusOK || !strings.Contains(body, string(stable.ID)) {
			r.t.Errorf("the router answers %d %s, want %s", code, body, stable.ID)
		}
	}
	if router := r.adapters().Router; router != nil {
		if weights, err := router.Weights(context.Background()); err != nil || weights[slot] != 100 {
			r.t.Errorf("the router's weights are %v, want all with %s (%v)", weights, slot, err)
		}
	}
	for _, i := range stable.Placement.Instances {
		if body, code := get("http://" + i.Address + "/"); code != http.StatusOK || !strings.Contains(body, string(stable.ID)) {
			r.t.Errorf("%s of %s answers %d %s", i.Name, stable.ID, code, body)
		}
	}
}

// running is how many releases of a service run.
func (r *rig) running(id service.ID) int {
	if r.fleet != nil {
		return len(r.fleet.slotsRunning())
	}
	return len(r.processesOf(id))
}

// processesOf are the service's own processes, without their supervisors.
func (r *rig) processesOf(id service.ID) []int {
	var pids []int
	for _, pid := range r.processes() {
		executable, _ := os.Readlink(procPath(pid, "exe"))
		if strings.HasPrefix(executable, filepath.Join(r.host, id.Name())+"/") && strings.HasSuffix(executable, "/web") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func get(url string) (string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error(), 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error(), 0
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return string(body) + response.Header.Get("X-Release"), response.StatusCode
}

// elsewhere is another working directory with the same state, store and world, as a colleague has it.
func (r *rig) elsewhere() *rig {
	r.t.Helper()
	other := *r
	other.dir = r.dir + "-elsewhere"
	if out, err := exec.CommandContext(context.Background(), "cp", "-a", r.dir, other.dir).CombinedOutput(); err != nil {
		r.t.Fatalf("copy the configuration: %v: %s", err, out)
	}
	return &other
}

// operator runs an operator's command and expects an exit code.
func (r *rig) operator(code int, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(context.Background(), built.provider, append(args, "--store", r.storeURL)...)
	cmd.Env = append(cleanEnvironment(), r.env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		r.t.Fatalf("%s: %v, want exit code %d:\n%s", strings.Join(args, " "), err, code, out)
	}
	return string(out)
}

// stateOf reads an attribute of a resource in Terraform's state; found is false where the resource is not there.
func (r *rig) stateOf(address, attribute string) (value any, found bool) {
	r.t.Helper()
	res := r.run("show", "-json")
	if res.code != 0 {
		r.t.Fatalf("show: %s", res.output)
	}
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address string         `json:"address"`
					Values  map[string]any `json:"values"`
				} `json:"resources"`
			} `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal([]byte(res.output), &state); err != nil {
		r.t.Fatalf("read the state: %v", err)
	}
	for _, resource := range state.Values.Root.Resources {
		if resource.Address == address {
			return resource.Values[attribute], true
		}
	}
	return nil, false
}
