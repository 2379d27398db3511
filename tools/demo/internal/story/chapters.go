// Package story is what the demo plays: releases of one service, good and bad ones, under traffic, each with the
// outcome that it must have.
package story

// Outcome is how a chapter ended for the service.
type Outcome string

// The outcomes.
const (
	// Succeeded: the release was finalized.
	Succeeded Outcome = "succeeded"
	// Restored: the release failed, and the one before it was put back.
	Restored Outcome = "restored"
	// Recovered: an interrupted attempt was restored first, then the release finalized.
	Recovered Outcome = "recovered"
	// RolledBack: a kept release carries the traffic again.
	RolledBack Outcome = "rolled_back"
	// Refused: the release was not begun.
	Refused Outcome = "refused"
	// Failed: none of these. No chapter wants it.
	Failed Outcome = "failed"
)

// Trouble is what happens from outside.
type Trouble string

// The troubles.
const (
	NoTrouble Trouble = ""
	// CtrlC: an interrupt to Terraform's process group, as a terminal sends it.
	CtrlC Trouble = "ctrl-c"
	// KillProvider: SIGKILL to the provider's process.
	KillProvider Trouble = "kill -9"
	// ReloadRouter: one of the routers reloads its configuration.
	ReloadRouter Trouble = "router reloaded"
	// RebootHost: one of the hosts is rebooted.
	RebootHost Trouble = "host rebooted"
	// HostDown: one of the hosts is shut down; HostUp: it is switched on again.
	HostDown Trouble = "host down"
	HostUp   Trouble = "host up"
)

// Chapter is one turn of the story.
type Chapter struct {
	Name string
	// About is the chapter in a sentence.
	About string
	// Version that is applied at the end.
	Version string
	// First, where set, is applied before it, and cut short.
	First string
	// Amid happens while the apply of First, or else of Version, splits the traffic; Before the first plan; After the last apply.
	Amid, Before, After Trouble
	// Warns are texts that the warnings of the plan must have, Says those that the errors of the last apply must have.
	Warns, Says []string
	// Bad is the version whose error answers are expected; empty: no errors are.
	Bad string
	// Leaving is the version that gives up its traffic in a restore or rollback; empty: none does.
	Leaving string
	// FailsAt is the stage of the ledger's at which the release must fail; empty: any, or none.
	FailsAt string
	// Want and Running are what must come out: the outcome, and the version that answers from then on.
	Want    Outcome
	Running string
}

// Chapters is the story that can be told anywhere. The configurations in examples say what is wrong with which version.
var Chapters = []Chapter{
	{
		Name: "first install", Version: "v1", Want: Succeeded, Running: "v1",
		About: "the first release of the service; there is nothing to split traffic with yet",
	},
	{
		Name: "canary in steps", Version: "v2", Want: Succeeded, Running: "v2",
		About: "a good release takes the traffic in steps, judged at each of them",
	},
	{
		Name: "never healthy", Version: "v3", Want: Restored, FailsAt: "release", Running: "v2", Leaving: "v3",
		About: "its process runs, and its health check says 503 until the deadline",
	},
	{
		Name: "fails its smoke test", Version: "v4", Want: Restored, FailsAt: "smoke_test", Running: "v2", Leaving: "v4",
		About: "healthy, and the checkout does not work: found before it takes any traffic",
	},
	{
		Name: "errors under traffic", Version: "v5", Want: Restored, FailsAt: "traffic_split", Running: "v2", Leaving: "v5", Bad: "v5",
		About: "healthy, passes its smoke test, then answers a share of its users with 500",
	},
	{
		Name: "interrupted by Ctrl-C", Version: "v5", Amid: CtrlC, Want: Restored, FailsAt: "traffic_split", Running: "v2", Leaving: "v5", Bad: "v5",
		About: "the same release again; somebody presses Ctrl-C while it takes traffic",
	},
	{
		Name: "provider killed", First: "v5", Amid: KillProvider, Version: "v6", Want: Recovered, Running: "v6", Leaving: "v5", Bad: "v5",
		About: "once more, and the provider is killed with kill -9 while it takes traffic; the apply of v6, a good one, recovers first",
	},
	{
		Name: "rollback", Version: "v2", Want: RolledBack, Running: "v2", Leaving: "v6",
		About: "the HCL goes back to v2, which was kept ready",
	},
}
