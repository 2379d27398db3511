package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Faults that are not a kill at a point: signals at random moments, a ledger that is damaged, a disk that is full, a state that is
// lost. They are runs of the crash matrix as well.

// fault is one run.
type fault struct {
	name string
	run  func(*testing.T)
	// sampled: make test does it too.
	sampled bool
}

// signalled is how many random moments each way to signal is tried at.
const signalled = 10

func faults() []fault {
	var all []fault
	here := scenario{base: config{Version: "1"}, release: config{Version: "2", Pause: "1s"}}
	for way, send := range map[string]func(group int){
		"sigint":         func(group int) { _ = syscall.Kill(-group, syscall.SIGINT) },
		"sigint-twice":   func(group int) { twice(group, syscall.SIGINT) },
		"sigterm":        func(group int) { _ = syscall.Kill(-group, syscall.SIGTERM) },
		"sigint-sigterm": func(group int) { _ = syscall.Kill(-group, syscall.SIGINT); _ = syscall.Kill(-group, syscall.SIGTERM) },
	} {
		for seed := range uint64(signalled) {
			all = append(all, fault{name: fmt.Sprintf("%s/%d", way, seed), run: func(t *testing.T) { signalAt(t, here, seed, send) }, sampled: seed == 4 && way != "sigint-sigterm"})
		}
	}
	for object, damage := range map[string]func(string) string{
		"garbage":   func(string) string { return "\x00garbage" },
		"truncated": func(text string) string { return text[:len(text)/2] },
		"empty":     func(string) string { return "" },
	} {
		all = append(all, fault{name: "store/" + object, run: func(t *testing.T) { damaged(t, damage) }, sampled: object == "truncated"})
	}
	all = append(all, unreachable()...)
	all = append(all,
		fault{name: "store/full", run: fullDisk, sampled: true},
		fault{name: "state/lost", run: stateLost},
		fault{name: "state/older", run: stateOlder},
	)
	return append(all, machineFaults()...) // one at a time: last
}

func twice(group int, sign syscall.Signal) {
	_ = syscall.Kill(-group, sign)
	time.Sleep(200 * time.Millisecond) // as fast as a person
	_ = syscall.Kill(-group, sign)
}

// signalAt signals an update at a moment that the seed says; then the same apply goes through.
func signalAt(t *testing.T, s scenario, seed uint64, send func(group int)) {
	r := s.rig(t)
	stop := r.traffic()
	span := 6 * time.Second
	if s.machines {
		span *= 2
	}
	moment := time.Duration(rand.New(rand.NewPCG(seed, 7)).Int64N(int64(span))) //nolint:gosec // to be repeated
	run := r.start("apply", "-auto-approve", "-no-color", "-input=false")
	select {
	case <-run.done:
	case <-time.After(moment):
	}
	send(run.Process.Pid)
	code := r.wait(run)
	t.Logf("signalled after %s: exit code %d", moment, code)
	// A provider that Terraform did not wait for ends its restore by itself.
	r.await("the provider to end", func() bool { return !r.view(web).Alive })
	s.same(r, "")
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.oneEndEach()
	r.nothingUnknown()
	r.machinesAreTrue()
	if t.Failed() {
		t.Logf("the run that was signalled:\n%s", run.output.String())
	}
}

// damaged spoils the ledger's newest event: plans and applies name it, and write nothing over it. A snapshot or heartbeat that is
// spoilt is only a cache.
func damaged(t *testing.T, damage func(string) string) {
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.write(config{Version: "2"}.hcl(r))
	spoil := func(name string) (path, whole string) {
		path = filepath.Join(r.store, string(web), name)
		whole = readAll(path)
		writeFile(t, path, damage(whole))
		return path, whole
	}
	newest := filepath.Join("ledger", eventName(r.view(web).State.Number))
	path, whole := spoil(newest)
	for what, out := range map[string]string{"plan": r.planFails(), "apply": r.run("apply", "-auto-approve", "-no-color", "-input=false").output, "recover": r.operator(1, "recover", string(web), "--yes")} {
		if flat := strings.Join(strings.Fields(out), ""); !strings.Contains(flat, filepath.Base(newest)) || !strings.Contains(flat, "cannotberead") {
			t.Errorf("%s does not name what is damaged:\n%s", what, out)
		}
	}
	if now := readAll(path); now != damage(whole) {
		t.Errorf("it was overwritten: %q", now)
	}
	if left, _ := filepath.Glob(filepath.Join(r.store, string(web), "ledger", eventName(r.numberOf(path)+1))); len(left) > 0 {
		t.Errorf("something was written behind what is damaged: %v", left)
	}
	writeFile(t, path, whole)
	for _, cache := range []string{"state.json", "heartbeat.json"} {
		_, _ = spoil(cache)
	}
	r.apply(0)
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

// numberOf is the number of an event, by its path.
func (r *rig) numberOf(path string) (number int) {
	r.t.Helper()
	if _, err := fmt.Sscanf(filepath.Base(path), "%d.json", &number); err != nil {
		r.t.Fatal(err)
	}
	return number
}

// fullDisk fills the store's disk in the middle of a split: traffic is given back, the apply fails and says why; with room again
// a recovery puts the rest right.
func fullDisk(t *testing.T) {
	r := newRig(t, true)
	if err := os.MkdirAll(r.store, 0o700); err != nil {
		t.Fatal(err)
	}
	smallDisk(t, r.store)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	fill := filepath.Join(r.store, "fill")
	writeUntilFull(t, fill)
	if code := r.wait(run); code != 1 {
		t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
	}
	if !strings.Contains(run.output.String(), "no space left") {
		t.Errorf("it does not say why:\n%s", run.output.String())
	}
	r.await("the traffic to be with stable", func() bool { return strings.TrimSpace(readAll(r.ShareFile())) == "0000" })
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	r.await("the run's lease to be over", func() bool { return !r.view(web).Alive })
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.deploy(config{Version: "2"})
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

func writeUntilFull(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, size := range []int{1 << 16, 1 << 10, 1} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}

// stateLost removes Terraform's state after a kill: nothing that runs is touched, the plan says what to do, and after the imports
// all is in order.
func stateLost(t *testing.T) {
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	killedInTheSplit(r)
	if err := os.Remove(filepath.Join(r.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	r.write(config{Version: "1"}.hcl(r))
	if out := r.run("apply", "-auto-approve", "-no-color", "-input=false"); out.code != 1 || !strings.Contains(out.output, "import") {
		t.Errorf("exit code %d; it does not say what to do:\n%s", out.code, out.output)
	}
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	for _, stage := range append([]service.Stage{"service"}, service.Stages...) {
		if res := r.run("import", "-no-color", "-input=false", "deploy_"+string(stage)+".web", string(web)); res.code != 0 {
			t.Fatalf("import %s: %s", stage, res.output)
		}
	}
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

// stateOlder puts back a copy of the state from before a release that was killed afterwards.
func stateOlder(t *testing.T) {
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	state := filepath.Join(r.dir, "terraform.tfstate")
	older := readAll(state)
	r.deploy(config{Version: "2"})
	run := r.inTheMiddle(service.StageTrafficSplit, "3")
	if killProviders(t, run.Process.Pid) == 0 {
		t.Fatal("the provider's process is not there")
	}
	r.wait(run)
	writeFile(t, state, older)
	r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
	r.write(config{Version: "2"}.hcl(r))
	r.apply(0)
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}
