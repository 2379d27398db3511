package delivery

import (
	"context"
	"net"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What the procedure needs of the world. Each port is implemented by a package of its own, and
// internal/connect builds them from a service's definition and the named credentials. The procedure calls the
// methods that change something through its journal only (journal.go).

// OutOfReach is why a process is the wrong one to work on a placement.
type OutOfReach struct {
	// Why says where it is, or whose; Next what to do, a command on a line of its own.
	Why, Next string
	// Elsewhere: it is for a process on another machine.
	Elsewhere bool
}

// Error implements error.
func (e *OutOfReach) Error() string { return e.Why }

// Platform is where instances run. Every method is idempotent: asked again after a kill at any instant, it comes to
// the same end.
type Platform interface {
	// Slots lists the slots' names in order; one slot: a new release interrupts the old one.
	Slots() []string
	// Room tells what stands in the way of placing r in slot: what the machines lack, ports that another program holds, disk; and, where its
	// health denies lines of its log, that this cannot be read. What the placements of leaving hold is free by then: they are stopped first. It
	// changes nothing.
	Room(ctx context.Context, r service.Release, slot string, leaving ...service.Placement) []service.Problem
	// ContentProblems lists what of a content, and of the environment that its release is started with, instances cannot be given; paths are relative
	// to the content, and details hold no values. It asks nobody.
	ContentProblems(c service.Content, environment map[string]string) []service.Problem
	// Placement says where r's instances in slot will be. It asks nobody. What r.Placement knows of hosts that the definition has no more
	// stays in it: r may still have to be removed from there.
	Placement(r service.Release, slot string) (service.Placement, error)
	// Place puts r's files where the slot's instances will find them, verified by digest, and starts nothing. Where r was placed in the slot
	// before, or is placed in a part of it, that is on the hosts of r.Placement, whatever the definition says by now. An *OldFilesLeft says that
	// r is in place.
	Place(ctx context.Context, r service.Release, slot string) (service.Placement, error)
	// Start runs the placed instances with environment (config and secrets; the platform adds its own variables).
	// Instances that already run this release are left alone; ones of another release in their places are an error. One that is being stopped
	// has its end waited for, and is started anew. Like Stop, Remove, Inspect and Logs it takes a part of a placement as well (Waves), and does
	// what it can where a machine does not answer, before it says so.
	Start(ctx context.Context, r service.Release, environment map[string]string) error
	// Stop ends the instances within the drain timeout. Stopping what does not run is no error. Where ctx ends before they do, they end all the
	// same, and an inspection says that they are being stopped.
	Stop(ctx context.Context, p service.Placement) error
	// Remove stops the instances and deletes the release's files, logs included. Removing what is gone is no error.
	Remove(ctx context.Context, p service.Placement) error
	// Reach tells why this process is the wrong one to work on p, as an *OutOfReach: on another machine, or as another user than the
	// one that placed it. What is only down, or does not answer, is in reach, whatever error that is. It changes nothing.
	Reach(ctx context.Context, p service.Placement) error
	// Inspect says for each instance of p what is there. An instance that is not there is a state, not an error; that p is
	// on another machine is an error, and so is a machine that does not answer: then the states of the others come with it. The error says
	// that p's release was inspected.
	Inspect(ctx context.Context, p service.Placement) ([]service.InstanceState, error)
	// Releases lists what was placed and not removed, as the platform itself knows it, placed last first, whether it runs or
	// not: what a lost ledger is built anew from.
	Releases(ctx context.Context) ([]service.Release, error)
	// Existing says, as Inspect does, what there is of what the definition names as running already; nil where it names nothing. It changes nothing.
	Existing(ctx context.Context) ([]service.InstanceState, error)
	// Logs returns the last lines (at most limit) that p's instances wrote since they were started for this placement,
	// each prefixed with the instance's name where there are several.
	Logs(ctx context.Context, p service.Placement, limit int) ([]string, error)
	// Probe asks one instance once whether it is healthy by h.
	Probe(ctx context.Context, i service.Instance, h service.Health) error
	// Waves cuts p into the parts that are worked on one after the other, each with some of its instances, in order; together they
	// are all of p. replacing: the instances take the place of others, which are gone meanwhile. It asks nobody.
	Waves(p service.Placement, replacing bool) []service.Placement
	// Dial connects to address, host:port as i's machine is reached, for checks and scrapes: through a tunnel where the network does not
	// lead there. The address' host is the one of i.Address; the port may be another.
	Dial(ctx context.Context, i service.Instance, address string) (net.Conn, error)
	// Unready asks each machine once, and tells which a release could not be worked on now. It changes nothing. A plan bounds it by ctx, whose
	// cause is said then; a preflight gives each machine the time that it has for any question.
	Unready(ctx context.Context) []service.Problem
}

// Split is how the traffic is to be split.
type Split struct {
	// Weights in whole percent by slot, together 100. A slot that is not named gets 0.
	Weights map[string]int
	// Placements of what is in the slots, with traffic or without, at most one a slot.
	Placements []service.Placement
	// Back: the traffic goes back to what had it before, so nothing is waited for. What else fails, parts of the router that do not answer keep no
	// other one from it: where that is all that is wrong, it is a *SilentParts.
	Back bool
	// Partly: parts of the router that do not answer are left out, where others do. It is a *SilentParts then, and the others have the split.
	Partly bool
}

// Unmoved is that a split could not be set, and that every part of the router that was told has again what it had before.
type Unmoved struct{ Err error }

// Error implements error.
func (e *Unmoved) Error() string { return e.Err.Error() }

// Unwrap is why it could not be set.
func (e *Unmoved) Unwrap() error { return e.Err }

// SilentParts is that some parts of a router do not answer, while all others are as they are to be. It names them.
type SilentParts struct{ Err error }

// Error implements error.
func (e *SilentParts) Error() string { return e.Err.Error() }

// Unwrap is why they do not answer.
func (e *SilentParts) Unwrap() error { return e.Err }

// Strangers is that a router's parts get traffic that may be somebody else's: they look like a slot's, and none of its instances is there, so that a
// split would take it away. It names them, and how they are told apart.
type Strangers struct{ Err error }

// Error implements error.
func (e *Strangers) Error() string { return e.Err.Error() }

// Unwrap is which they are.
func (e *Strangers) Unwrap() error { return e.Err }

// Router splits the traffic between slots.
type Router interface {
	// Check tells whether the running router has a split of these slots' addresses; the error says what to paste where. The last of
	// placements that is a release's has the traffic, or is to have it, where the router itself cannot tell. It is a *SilentParts where
	// all that speaks against it is that a part of the router does not answer, and *Strangers where it is that there are some: that is
	// nothing new once a split was made.
	Check(ctx context.Context, placements []service.Placement) error
	// Probe asks the running router, which Check finds ready, whether it takes what the definition has it add for a release, and changes
	// nothing. The data plane may note that in its log: it is asked by plans and before instances come somewhere, not by each step.
	Probe(ctx context.Context) error
	// Weights reads the split back from the data plane: whole percent by slot, together 100; or 0 each, where it sends nothing anywhere; or
	// together less than 100, where it has parts that differ: then no slot has 0.
	Weights(ctx context.Context) (map[string]int, error)
	// SetWeights sets the split, and reads it back from the data plane. It is an *Unmoved where it could not, and nothing is changed.
	SetWeights(ctx context.Context, split Split) error
	// Drain waits until no request is in flight to p's addresses. What still is after the router's drain timeout is an error that says how much.
	Drain(ctx context.Context, p service.Placement) error
	// Warnings has a sentence on each thing that a plan should tell: nodes that differ, which comes first, and what a reload of the data
	// plane would lose. It changes nothing. An error says that it cannot be asked.
	Warnings(ctx context.Context) ([]string, error)
}

// Measure is what is counted beside requests and errors.
type Measure struct {
	// Threshold is the latency above which a request counts as slow, 0 for none: then durations are not asked for.
	Threshold time.Duration
	// Requests tells whether requests and errors are needed at all: an analysis of business series alone does without, and
	// their absence is no analysis.ErrNoData then.
	Requests bool
	// Series by the names of the business rules.
	Series map[string]Series
}

// Series is a number of one side that a business rule compares.
type Series struct {
	// Query is, for scrape, the name of a counter or a gauge with labels where they are needed: orders_total{kind="paid"}; for
	// prometheus a template of PromQL.
	Query string
	// Gauge: the value now; else a counter, of which the increase since the previous sample is taken.
	Gauge bool
}

// Sample is what one side did since the previous call.
type Sample struct {
	analysis.Counts
	// Series by name: the increase of counters, summed over instances; the value of gauges, the mean over instances. A gauge of which
	// the source has nothing new since the previous sample is in neither map.
	Series map[string]float64
	// Missing by name says why a series has no value in this sample; errors.Is analysis.ErrNoData where it is not in the answer.
	Missing map[string]error
}

// MetricsSurvey is what a source knows about itself, for a plan.
type MetricsSurvey struct {
	// Threshold is the histogram's bound that stands in for Measure.Threshold; 0 where none is near or none was asked for.
	Threshold time.Duration
	// Unknown has a sentence on each series that is asked for and is not there, in the order of what is asked: its name, what was
	// looked for, and what there is instead (the nearest names or bounds).
	Unknown []string
	// Notes has a sentence on each thing beside that to know about the source.
	Notes []string
	// Resolution is how often the source has something new; 0: whenever it is asked, or it cannot be told.
	Resolution time.Duration
}

// Metrics counts what instances did.
type Metrics interface {
	// Sampler begins to count what m asks of p's instances.
	Sampler(p service.Placement, m Measure) Sampler
	// Value adds up the series called name with these labels over p's instances; found is how many series matched.
	Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (sum float64, found int, err error)
	// Survey tells what of m the source has of p, asking it once. It changes nothing. What is missing is in the survey; an error
	// says that the source cannot be asked.
	Survey(ctx context.Context, p service.Placement, m Measure) (MetricsSurvey, error)
}

// Sampler counts what one placement does. Not safe for concurrent use.
type Sampler interface {
	// Sample returns what was counted since the previous call; the first call only sets the mark, and returns zero counts and
	// increases. Counter resets and instances that come and go are handled. An error (analysis.ErrNoData where the series
	// of requests or durations is not there) leaves all marks where they were. A business series that has no value spoils nothing else.
	Sample(ctx context.Context) (Sample, error)
	// Total returns what was counted since the instances started, as far as they can be asked now. It moves no mark.
	Total(ctx context.Context) (analysis.Counts, error)
}

// Checker runs one check.
type Checker interface {
	// Run judges by the check; what went wrong is in the result, also when ctx ended.
	Run(ctx context.Context, t Target) service.CheckResult
}

// Target is what checks are run against.
type Target struct {
	// Release under test; its placement's instances are asked where the check names no other address.
	Release service.Release
	// Platform and Metrics of the service; Metrics may be nil.
	Platform Platform
	Metrics  Metrics
	// Secrets resolves the names of credentials.
	Secrets Credentials
}

// Credentials resolves names to secrets.
type Credentials interface {
	// Lookup returns the secret called name; the error says how to give it, and never holds a secret.
	Lookup(name string) (string, error)
}

// Backup saves and restores one piece of data. dir is where the connector keeps it (BackupPlace).
type Backup interface {
	// Save writes the data into dir, a new directory of the checkpoint, and returns what was written.
	Save(ctx context.Context, dir string) ([]service.BackupFile, error)
	// Verify reads what Save wrote from dir and tells whether it is complete: names, sizes, SHA-256, and that it can be read through.
	Verify(ctx context.Context, dir string, files []service.BackupFile) error
	// Restore puts the data of dir back. Idempotent.
	Restore(ctx context.Context, dir string) error
	// Procedure is the shell commands that restore the data of dir by hand, one a line, runnable as they stand.
	Procedure(dir string) []string
}

// Notifier tells somebody.
type Notifier interface {
	// Send delivers one message; message.ID is the same when it is sent again.
	Send(ctx context.Context, message service.Message) error
}

// Adapters is the world of one service.
type Adapters struct {
	Platform Platform
	// Router and Metrics are nil where the service has none.
	Router  Router
	Metrics Metrics
	// Notifiers by the names in the definition.
	Notifiers map[string]Notifier
}

// Connector builds the world from definitions; internal/connect implements it.
type Connector interface {
	// Adapters of a service.
	Adapters(d service.Definition) (Adapters, error)
	// Checker of one check.
	Checker(name string, c service.Check) (Checker, error)
	// RunAll runs checks side by side.
	RunAll(ctx context.Context, checkers map[string]Checker, t Target) []service.CheckResult
	// Backup of one backup's definition.
	Backup(name string, b service.Backup) (Backup, error)
	// Credentials that names are resolved with.
	Credentials() Credentials
	// BackupPlace is where the backup called name of one attempt's checkpoint goes: the dir of a Backup's methods.
	BackupPlace(id service.ID, attempt int, name string) string
	// DeleteBackup removes what is at a backup's place, whole or not. Nothing there is no error.
	DeleteBackup(ctx context.Context, place string) error
}
