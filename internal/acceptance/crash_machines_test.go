package acceptance_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The crash matrix on three machines behind two HAProxy. A run that is killed at a point works on one machine after the other, so that
// there are points between two hosts and between two HAProxy (crashpoint.InTurn); those that are killed at random moments
// work on them side by side, as always.

func machineScenarios() []scenario {
	v := func(version string) config { return config{Version: version} }
	single := func(version string) config { return config{Version: version, NoRouter: true, OneSlot: true} }
	to := func(c config) func(*rig) { return func(r *rig) { r.deploy(c) } }
	back := []string{"same", "recover"}
	all := []scenario{
		{name: "machines-update", base: v("1"), release: v("2"), reverted: v("1")},
		{name: "machines-install", release: v("1"), ways: back},
		{name: "machines-rollback", base: v("1"), prepare: to(v("2")), release: v("1"), reverted: v("2")},
		{name: "machines-one-slot", base: single("1"), release: single("2"), reverted: single("1"), noRouter: true, quiet: true},
		{name: "machines-operator-rollback", base: v("1"), prepare: to(v("2")), release: v("1"), command: []string{"rollback", string(web), "--yes"}, ways: back},
		{name: "machines-operator-recover", base: v("1"), prepare: killedInTheSplit, release: v("1"), command: []string{"recover", string(web), "--yes"}, ways: back},
		{name: "machines-fails-smoke-test", base: v("1"), release: failing(service.StageSmokeTest, "2"), reverted: v("1"), fails: true, since: "before stage_opened smoke_test"},
		{name: "machines-fails-traffic-split", base: v("1"), release: failing(service.StageTrafficSplit, "2"), reverted: v("1"), fails: true, since: "before stage_opened traffic_split"},
	}
	for n := range all {
		all[n].machines = true
	}
	return all
}

// killedAtRandom is how many random moments each way to end a run on machines is tried at.
const killedAtRandom = 5

func machineFaults() []fault {
	s := scenario{base: config{Version: "1"}, release: config{Version: "2", Pause: "1s"}, machines: true}
	all := []fault{{name: "machines/between", run: killedBetweenNodes, sampled: true}}
	for seed := range uint64(killedAtRandom) {
		all = append(all,
			fault{name: fmt.Sprintf("machines/sigkill/%d", seed), run: func(t *testing.T) { signalAt(t, s, seed, func(group int) { killProviders(t, group) }) }},
			fault{name: fmt.Sprintf("machines/sigint/%d", seed), run: func(t *testing.T) {
				signalAt(t, s, seed, func(group int) { _ = syscall.Kill(-group, syscall.SIGINT) })
			}},
		)
	}
	return all
}

// killedBetweenNodes is the run of the matrix on machines that make test makes too: killed when one HAProxy has the new weights and the
// other the old ones. Its point goes by its name, so that nothing has to be recorded before.
func killedBetweenNodes(t *testing.T) {
	s := machineScenarios()[0]
	r := s.rig(t)
	stop, below := r.traffic(), r.watchStable()
	last := r.fleet.balancers[len(r.fleet.balancers)-1].Name
	killed := s.crash(r, "DEPLOY_CRASH_ON=in weights of node "+last)
	r.await("the run to be interrupted; it said:\n"+killed.output, func() bool { return r.view(web).Interrupted() != nil })
	if nodes := r.fleet.splits(); nodes[0] == nodes[1] {
		t.Errorf("both HAProxy have the same weights: %s", nodes[0])
	}
	s.recover(r, "")
	if lost := append(stop().lost, below()...); len(lost) > 0 {
		t.Errorf("%d requests were lost, or stable did not answer: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.oneEndEach()
	r.nothingUnknown()
	r.machinesAreTrue()
}
