package delivery_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// world is a service's outside in memory: a fake, because the tests of the engine stop it at every single change,
// thousands of times, which no real platform can be asked for. The adapters have tests on the real thing.
type world struct {
	mu     sync.Mutex
	slots  []string
	router bool
	// silent hosts do not answer; who looks at hanging ones waits for as long as it may.
	silent, hanging map[string]bool
	// misses counts the looks that a host does not answer, and then it does.
	misses map[string]int
	// waited counts the looks that waited for a hanging host for as long as they may.
	waited int
	// servers of the router by slot: the addresses that it has; nil: whatever it is told.
	servers map[string][]string
	running map[string]service.ReleaseID // by slot, or slot/host
	// stopping are addresses of what was told to end and has not: it answers until later.
	stopping map[string]bool
	files    map[service.ReleaseID]bool
	records  map[service.ReleaseID]service.Release // what the platform itself knows of what was placed
	weights  map[string]int
	// sick releases do not answer probes, failing ones fail their checks, erring ones answer requests with errors.
	sick, failing, erring map[service.ReleaseID]bool
	// unreachable: the router does not answer.
	unreachable bool
	// partly is why a part of the router does not answer: what it is told, the other parts have.
	partly error
	// cold is why the router does not find the servers up that it is to send traffic to.
	cold error
	// unsplit is why the router is not ready to split the traffic.
	unsplit error
	// untaken is why it does not take what it is to be given; probes is how often that was asked.
	untaken error
	probes  int
	// unknown: no credential is.
	unknown bool
	// unfit, where it is set, tells of a variable whether instances cannot be given its value.
	unfit func(name, value string) bool
	// elsewhere: this is another machine than the one where releases were placed.
	elsewhere bool
	// reached, where it is set, is told of each question whether a placement is in reach.
	reached func()
	// data of the service, and what was saved of it by place; restores lists the places from which it was put back.
	data     string
	saved    map[string]string
	restores []string
	// broken changes fail, by what they do, "remove", or what they do it to, "restore 2/orders".
	broken map[string]error
	// blind: the metrics are not to be had.
	blind error
	// resolution is how often the metrics have something new.
	resolution time.Duration
	// sampled, where it is set, changes what is counted at each look, with the world held still.
	sampled func(service.Placement, *delivery.Sample) error
	// checking, where it is set, is what a check does before it answers.
	checking func(ctx context.Context, check string, r service.ReleaseID)
	// probed, where it is set, is what a probe of a release that is not sick answers.
	probed func(service.ReleaseID) error
	// probing, where it is set, is told of each probe, with the world held still.
	probing func(context.Context, service.Instance)
	// stuck, where it is set, tells of an instance whether it hangs, with the world held still.
	stuck func(service.Instance) bool
	// logged, where it is set, is what a release has logged.
	logged func(service.ReleaseID) ([]string, error)
	// moving, where it is set, is what the router does before it moves traffic.
	moving func(context.Context)
	// moved, where it is set, is what becomes of the weights after the router has said that it has them, with the world held still.
	moved func(before map[string]int)
	// asked, where it is set, is told of each question what the weights are, with the world held still.
	asked func()
	// draining, where it is set, is what draining does.
	draining func(context.Context) error
	// died counts by address how often an instance was started again.
	died map[string]int
	// directory that releases are placed in, by their placements; where says of instances in which they were started.
	directory string
	where     map[string]string
	// unread: nobody may read logs, which a preflight says of a release that denies lines of them.
	unread bool
	// full says of hosts why a release cannot come there.
	full map[string]string
	// existing is the release that a unit is which somebody wrote; empty: none.
	existing service.ReleaseID
	// started lists the addresses of instances in the order in which they were started; behind is what the router was told of last.
	started []string
	behind  []service.Placement
	// cutOff lists what was stopped while it had traffic that another release could have answered.
	cutOff []string
}

func newWorld() *world {
	return &world{
		slots: []string{"blue", "green"}, router: true, silent: map[string]bool{}, hanging: map[string]bool{}, misses: map[string]int{}, where: map[string]string{}, running: map[string]service.ReleaseID{}, stopping: map[string]bool{}, files: map[service.ReleaseID]bool{},
		records: map[service.ReleaseID]service.Release{}, saved: map[string]string{}, broken: map[string]error{},
		weights: map[string]int{"blue": 100, "green": 0},
		sick:    map[service.ReleaseID]bool{}, failing: map[service.ReleaseID]bool{}, erring: map[service.ReleaseID]bool{},
	}
}

// copied is the same world once more, to do something else to it.
func (w *world) copied() *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &world{
		slots: w.slots, router: w.router, silent: maps.Clone(w.silent), hanging: maps.Clone(w.hanging), misses: maps.Clone(w.misses), directory: w.directory, where: maps.Clone(w.where), servers: maps.Clone(w.servers), running: maps.Clone(w.running), stopping: maps.Clone(w.stopping), files: maps.Clone(w.files), records: maps.Clone(w.records),
		weights: maps.Clone(w.weights), sick: maps.Clone(w.sick), failing: maps.Clone(w.failing), erring: maps.Clone(w.erring),
		unreachable: w.unreachable, data: w.data, saved: maps.Clone(w.saved), restores: slices.Clone(w.restores),
		existing: w.existing, broken: maps.Clone(w.broken), blind: w.blind, resolution: w.resolution, probed: w.probed, draining: w.draining, sampled: w.sampled, checking: w.checking, cutOff: slices.Clone(w.cutOff),
	}
}

// process is one provider's process: killed at a point, it does nothing any more.
type process struct {
	mu     sync.Mutex
	points int
	killAt int
	killed bool
	// killWhen says at which point it is killed, where it is not known by its number.
	killWhen func(what string) bool
	// before is called at each point, with the process alive.
	before func(point int, what string)
}

// point is a moment before or after a change at which the process may be killed.
func (p *process) point(what string) {
	p.mu.Lock()
	if !p.killed {
		p.points++
		if p.points == p.killAt || p.killWhen != nil && p.killWhen(what) {
			p.killed = true
		}
	}
	killed, n, before := p.killed, p.points, p.before
	p.mu.Unlock()
	if killed {
		runtime.Goexit()
	}
	if before != nil {
		before(n, what)
	}
}

func (p *process) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// killableStore is the store as a process sees it.
type killableStore struct {
	store.Store
	process *process
}

var errDead = errors.New("the process is dead")

func (s killableStore) Create(ctx context.Context, key string, data []byte) error {
	s.process.point("create " + key)
	if err := s.Store.Create(ctx, key, data); err != nil {
		return err
	}
	s.process.point("created " + key)
	return nil
}

func (s killableStore) Put(ctx context.Context, key string, data []byte) error {
	if s.process.dead() {
		return errDead // Heartbeats come from a goroutine of their own, and are no points.
	}
	return s.Store.Put(ctx, key, data)
}

// connector gives a process its adapters to the world.
type connector struct {
	*world
	process *process
}

func (c *connector) Adapters(d service.Definition) (delivery.Adapters, error) {
	a := delivery.Adapters{Platform: platform{c, d}, Metrics: metrics{c}}
	if c.router {
		a.Router = router{c}
	}
	return a, nil
}

func (c *connector) Checker(name string, _ service.Check) (delivery.Checker, error) {
	return checker{c, name}, nil
}

func (c *connector) RunAll(ctx context.Context, checkers map[string]delivery.Checker, t delivery.Target) []service.CheckResult {
	var results []service.CheckResult
	for _, k := range checkers {
		results = append(results, k.Run(ctx, t))
	}
	return results
}

func (c *connector) Backup(string, service.Backup) (delivery.Backup, error) { return backup{c}, nil }

// backup is of the world's data.
type backup struct{ *connector }

func (b backup) Save(_ context.Context, place string) ([]service.BackupFile, error) {
	err := b.change("backup", func() error { b.saved[place] = b.data; return nil })
	return []service.BackupFile{{Name: "data"}}, err
}

func (b backup) Verify(_ context.Context, place string, _ []service.BackupFile) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, found := b.saved[place]; !found {
		return errors.New("there is no backup at " + place)
	}
	return nil
}

func (b backup) Restore(_ context.Context, place string) error {
	return b.change("restore", func() error {
		if err := b.broken["restore "+place]; err != nil {
			b.data = "half of " + b.saved[place]
			return err
		}
		b.data, b.restores = b.saved[place], append(b.restores, place)
		return nil
	})
}

func (backup) Procedure(place string) []string { return []string{"restore " + place} }

func (c *connector) Credentials() delivery.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return noCredentials{c.unknown}
}

func (c *connector) BackupPlace(_ service.ID, attempt int, name string) string {
	return fmt.Sprintf("%d/%s", attempt, name)
}

func (c *connector) DeleteBackup(_ context.Context, place string) error {
	return c.change("delete backup", func() error { delete(c.saved, place); return nil })
}

type noCredentials struct{ unknown bool }

// secret is what the one credential that is known says, which the release with that version is given.
const secret = "correct horse battery staple"

func (c noCredentials) Lookup(name string) (string, error) {
	if name == "database" && !c.unknown {
		return secret, nil
	}
	return "", fmt.Errorf("the credential %q is not known", name)
}

type checker struct {
	*connector
	name string
}

func (k checker) Run(ctx context.Context, t delivery.Target) service.CheckResult {
	k.mu.Lock()
	checking := k.checking
	k.mu.Unlock()
	if checking != nil {
		checking(ctx, k.name, t.Release.ID)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return service.CheckResult{Name: k.name, Passed: !k.failing[t.Release.ID], Asked: "it", Got: "an answer"}
}

// set changes the world from outside of any process.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// change makes one change of the world, with a point before and after it.
func (c *connector) change(what string, make func() error) error {
	c.process.point(what)
	c.mu.Lock()
	err := c.broken[what]
	if err == nil {
		err = make()
	}
	c.mu.Unlock()
	c.process.point(what + " done")
	return err
}

// platform is one machine, or the hosts of the definition.
type platform struct {
	*connector
	definition service.Definition
}

// hosts by name, none: one machine.
func (p platform) hosts() []string {
	if p.definition.Platform.Host == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.definition.Platform.Host.Hosts))
}

var errSilent = errors.New("the host does not answer")

// each does something with each instance whose host answers, and says which do not.
func (p platform) each(instances []service.Instance, do func(service.Instance) error) error {
	var errs []error
	for _, i := range instances {
		if p.silent[i.Host] {
			errs = append(errs, fmt.Errorf("%s: %w", i.Host, errSilent))
		} else if err := do(i); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (p platform) Slots() []string { return p.slots }
func (p platform) Room(_ context.Context, r service.Release, slot string, leaving ...service.Placement) []service.Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	having := map[string][]string{}
	for host, detail := range p.full {
		having[detail] = append(having[detail], host)
	}
	var problems []service.Problem
	if p.unread && len(r.Health.DenyLogs) > 0 {
		problems = append(problems, service.Problem{Detail: "the journal cannot be read"})
	}
	for _, host := range p.hosts() {
		if p.silent[host] {
			problems = append(problems, service.Problem{Detail: host + ": " + errSilent.Error()})
		}
	}
	for key, id := range p.running {
		mine := func(old service.Placement) bool { return old.Release == id }
		if at, _, _ := strings.Cut(key, "/"); at == slot && id != r.ID && !slices.ContainsFunc(leaving, mine) {
			problems = append(problems, service.Problem{Detail: "slot " + slot + " holds another release: " + string(id)})
		}
	}
	for detail, hosts := range having {
		slices.Sort(hosts)
		problems = append(problems, service.Problem{Path: []string{"platform", "host", "hosts"}, Detail: "host " + strings.Join(hosts, " and ") + ": " + detail, Hosts: hosts})
	}
	return problems
}

func (p platform) ContentProblems(_ service.Content, environment map[string]string) []service.Problem {
	var problems []service.Problem
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if p.unfit != nil && p.unfit(name, environment[name]) {
			problems = append(problems, service.Problem{Path: []string{"config", name}, Detail: "the value of " + name + " cannot be passed"})
		}
	}
	return problems
}

func (p platform) Placement(r service.Release, slot string) (service.Placement, error) {
	if h := p.definition.Platform.Host; r.ID != "" && r.ID == p.existing && r.Placement.Placed() && (h == nil || h.Existing == nil) {
		return service.Placement{}, fmt.Errorf("%s is a unit that is not named", r.ID)
	}
	placement := service.Placement{Release: r.ID, Slot: slot}
	if p.directory != "" {
		placement.Platform = inDirectory(p.directory)
	}
	for _, host := range p.hosts() {
		i := service.Instance{Name: slot + "/" + host + "/0", Address: slot + "/" + host, Host: host}
		if address := p.definition.Platform.Host.Hosts[host].Address; address != "" { // of a machine, whatever its name
			i.Address = address + ":" + slot
		}
		placement.Instances = append(placement.Instances, i)
	}
	if len(placement.Instances) == 0 {
		placement.Instances = []service.Instance{{Name: slot + "/0", Address: slot}}
	}
	return placement, nil
}

// inDirectory is what the platform keeps of a placement there.
func inDirectory(directory string) json.RawMessage {
	return json.RawMessage(`{"directory":"` + directory + `"}`)
}

func (p platform) Place(_ context.Context, r service.Release, slot string) (service.Placement, error) {
	placement, _ := p.Placement(r, slot)
	if !r.Placement.Placed() {
		r.Placement = placement
	}
	return placement, p.change("place", func() error {
		return p.each(r.Placement.Instances, func(service.Instance) error { p.files[r.ID], p.records[r.ID] = true, r; return nil })
	})
}

// later is after whatever is being stopped has ended.
func (w *world) later() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for address := range w.stopping {
		delete(w.running, address)
	}
	clear(w.stopping)
}

func (p platform) Start(_ context.Context, r service.Release, _ map[string]string) error {
	return p.change("start", func() error {
		return p.each(r.Placement.Instances, func(i service.Instance) error {
			if other := p.running[i.Address]; other != "" && other != r.ID {
				return fmt.Errorf("slot %s runs %s", i.Address, other)
			}
			if !p.files[r.ID] {
				return fmt.Errorf("no files of %s", r.ID)
			}
			p.running[i.Address] = r.ID
			delete(p.stopping, i.Address) // It waits for that end, and starts it anew.
			if p.directory != "" {
				p.where[i.Address] = string(r.Placement.Platform)
			}
			p.started = append(p.started, i.Address)
			return nil
		})
	})
}

func (p platform) Stop(ctx context.Context, at service.Placement) error {
	return p.stop(ctx, "stop", at)
}

// stop tells instances to end, and waits for that: in between the process may be killed, or what it does be given up.
func (p platform) stop(ctx context.Context, what string, at service.Placement) error {
	told := p.change(what, func() error { return p.leave(at) }) // as far as hosts answer
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for %s to end: %w", at.Release, err)
	}
	return cmp.Or(told, p.change(what+" to its end", func() error { return p.gone(at) }))
}

// leave tells those that run at.Release to end.
func (p platform) leave(at service.Placement) error {
	return p.each(at.Instances, func(i service.Instance) error {
		if p.running[i.Address] != at.Release {
			return nil
		}
		if where := p.where[i.Address]; where != "" && where != string(at.Platform) {
			return fmt.Errorf("%s is looked for at %s, and is at %s", i.Name, at.Platform, where)
		}
		p.stopping[i.Address] = true
		return nil
	})
}

// gone ends those that were told to.
func (p platform) gone(at service.Placement) error {
	return p.each(at.Instances, func(i service.Instance) error {
		if p.running[i.Address] != at.Release || !p.stopping[i.Address] {
			return nil
		}
		delete(p.running, i.Address)
		delete(p.stopping, i.Address)
		left := slices.ContainsFunc(slices.Collect(maps.Keys(p.running)), func(address string) bool { return strings.HasPrefix(address, at.Slot) })
		if p.router && p.weights[at.Slot] > 0 && !left && len(p.running) > 0 {
			p.cutOff = append(p.cutOff, fmt.Sprintf("%s at %v", at.Release, p.weights))
		}
		return nil
	})
}

func (p platform) Remove(ctx context.Context, at service.Placement) error {
	if err := p.stop(ctx, "remove", at); err != nil {
		return err
	}
	return p.change("remove its files", func() error {
		if slices.Contains(slices.Collect(maps.Values(p.running)), at.Release) {
			return nil // It runs on other hosts.
		}
		delete(p.files, at.Release)
		delete(p.records, at.Release)
		return nil
	})
}

func (p platform) Releases(context.Context) ([]service.Release, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.records), func(a, b service.Release) int { return strings.Compare(string(b.ID), string(a.ID)) }), nil
}

// Existing is in blue, on each host.
func (p platform) Existing(ctx context.Context) ([]service.InstanceState, error) {
	placement, _ := p.Placement(service.Release{}, "blue")
	return p.Inspect(ctx, placement)
}

func (p platform) Reach(context.Context, service.Placement) error {
	if p.reached != nil {
		p.reached()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.elsewhere {
		return &delivery.OutOfReach{Why: "it was placed on the machine a, and this is b", Next: "Run this on a.", Elsewhere: true}
	}
	return nil
}

func (p platform) Inspect(ctx context.Context, at service.Placement) ([]service.InstanceState, error) {
	p.mu.Lock()
	hangs := slices.ContainsFunc(at.Instances, func(i service.Instance) bool { return p.hanging[i.Host] })
	p.mu.Unlock()
	if hangs {
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if hangs && !errors.Is(ctx.Err(), context.Canceled) {
		p.waited++
	}
	var states []service.InstanceState
	err := p.each(at.Instances, func(i service.Instance) error {
		if p.misses[i.Host] > 0 {
			p.misses[i.Host]--
			return fmt.Errorf("%s: %w", i.Host, errSilent)
		}
		state := service.InstanceState{Instance: i, Running: p.running[i.Address] != "", Release: p.running[i.Address]}
		if state.Restarts = p.died[i.Address]; state.Restarts > 0 {
			state.Detail = "it died, and was started again"
		}
		if state.Running && p.stopping[i.Address] {
			state.Stopping, state.Detail = true, "it is being stopped"
		}
		states = append(states, state)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("inspect %s: %w", at.Release, err)
	}
	return states, err
}

func (p platform) Logs(_ context.Context, at service.Placement, _ int) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logged != nil {
		return p.logged(at.Release)
	}
	return []string{"a log line"}, nil
}

func (p platform) Probe(ctx context.Context, i service.Instance, _ service.Health) error {
	p.mu.Lock()
	hangs, stuck := p.hanging[i.Host], p.stuck != nil && p.stuck(i)
	p.mu.Unlock()
	switch {
	case stuck:
		<-ctx.Done()
	case hangs:
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.probing != nil {
		p.probing(ctx, i)
	}
	r := p.running[i.Address]
	if r == "" || p.sick[r] || p.silent[i.Host] {
		return errors.New("connection refused")
	}
	if p.probed != nil {
		return p.probed(r)
	}
	return nil
}

type router struct{ *connector }

var errRouter = errors.New("the router does not answer")

func (r router) Probe(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes++
	return r.untaken
}

func (r router) Check(_ context.Context, placements []service.Placement) error {
	r.mu.Lock()
	servers, unsplit := r.servers, r.unsplit
	r.mu.Unlock()
	if unsplit != nil {
		return unsplit
	}
	for _, p := range placements {
		var at []string
		for _, i := range p.Instances {
			at = append(at, i.Address)
		}
		if servers != nil && !slices.Equal(slices.Sorted(slices.Values(at)), servers[p.Slot]) {
			return fmt.Errorf("its servers of %s are at %v, and not at %v", p.Slot, servers[p.Slot], at)
		}
	}
	if err := r.reach(); err != nil && r.isPartly() {
		return &delivery.SilentParts{Err: err}
	} else if err != nil {
		return err
	}
	return nil
}

func (r router) isPartly() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.unreachable && r.partly != nil
}

func (r router) Drain(ctx context.Context, _ service.Placement) error {
	r.mu.Lock()
	draining := r.draining
	r.mu.Unlock()
	if draining != nil {
		return draining(ctx)
	}
	return r.reach()
}

func (r router) reach() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unreachable {
		return errRouter
	}
	return r.partly
}

func (r router) Weights(context.Context) (map[string]int, error) {
	r.mu.Lock()
	if r.asked != nil {
		r.asked()
	}
	r.mu.Unlock()
	if err := r.reach(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.weights), nil
}

// Waves are a host each.
func (p platform) Waves(placement service.Placement, _ bool) []service.Placement {
	var waves []service.Placement
	for _, i := range placement.Instances {
		wave := placement
		wave.Instances = []service.Instance{i}
		waves = append(waves, wave)
	}
	return waves
}

func (p platform) Dial(context.Context, service.Instance, string) (net.Conn, error) {
	return nil, errors.New("instances of this world have no network")
}

func (p platform) Unready(context.Context) []service.Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	var problems []service.Problem
	for _, host := range p.hosts() {
		if p.silent[host] {
			problems = append(problems, service.Problem{Detail: host + ": " + errSilent.Error()})
		}
	}
	return problems
}

func (r router) Warnings(context.Context) ([]string, error) {
	r.mu.Lock()
	apart := r.weights["blue"] + r.weights["green"]
	r.mu.Unlock()
	reload := "a reload loses its servers"
	if apart > 0 && apart < 100 {
		return []string{"its nodes differ: lb-1 and lb-2", reload}, r.reach()
	}
	return []string{reload}, r.reach()
}

func (r router) SetWeights(ctx context.Context, split delivery.Split) error {
	weights := split.Weights
	r.mu.Lock()
	moving := r.moving
	r.mu.Unlock()
	if moving != nil {
		moving(ctx)
	}
	return r.change("weights", func() error {
		if r.unreachable {
			return errRouter
		}
		if r.partly != nil && !split.Back && !split.Partly {
			return &delivery.Unmoved{Err: r.partly}
		}
		if r.cold != nil && !split.Back {
			return &delivery.Unmoved{Err: r.cold}
		}
		for slot, weight := range weights {
			// As HAProxy with dynamic servers, which are those of the placements.
			if weight > 0 && !slices.ContainsFunc(split.Placements, func(p service.Placement) bool { return p.Slot == slot && p.Placed() }) {
				return fmt.Errorf("slot %s has no server", slot)
			}
		}
		before := r.weights
		r.weights = map[string]int{"blue": weights["blue"], "green": weights["green"]}
		r.behind = split.Placements
		if r.moved != nil {
			r.moved(before)
		}
		if r.partly != nil {
			return &delivery.SilentParts{Err: r.partly}
		}
		return nil
	})
}

type metrics struct{ *connector }

func (m metrics) Sampler(p service.Placement, _ delivery.Measure) delivery.Sampler {
	return &sampler{m.connector, p}
}

func (m metrics) Value(context.Context, service.Placement, string, map[string]string) (float64, int, error) {
	return 0, 0, nil
}

func (m metrics) Survey(context.Context, service.Placement, delivery.Measure) (delivery.MetricsSurvey, error) {
	return delivery.MetricsSurvey{Resolution: m.resolution}, nil
}

type sampler struct {
	*connector
	placement service.Placement
}

func (s *sampler) Sample(context.Context) (delivery.Sample, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind != nil {
		return delivery.Sample{}, s.blind
	}
	c := analysis.Counts{Requests: float64(s.weights[s.placement.Slot])}
	if s.erring[s.running[s.placement.Slot]] {
		c.Errors = c.Requests / 2
	}
	sample := delivery.Sample{Counts: c, Series: map[string]float64{}, Missing: map[string]error{}}
	if s.sampled != nil {
		if err := s.sampled(s.placement, &sample); err != nil {
			return delivery.Sample{}, err
		}
	}
	return sample, nil
}

// Total: each release has served well before.
func (s *sampler) Total(context.Context) (analysis.Counts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return analysis.Counts{Requests: 1000}, s.blind
}

const web = service.ID("production/web")

// leaseLength is that of most runs: a machine that is busy with other things is no reason to lose it. A killed process is known to be
// gone at once. shortLease is for tests that wait until it is over.
const (
	leaseLength = time.Minute
	shortLease  = 2 * time.Second
)

// provider is one process at work on the world.
type provider struct {
	t       *testing.T
	process *process
	run     *delivery.Run
	// keep previous releases ready, 1 by default.
	keep int
	// backups of the checkpoints.
	backups map[string]service.Backup
	// preflight is what the preflight asks.
	preflight delivery.PreflightSpec
	// platform and router of the service when it is defined.
	platform service.Platform
	router   *service.Router
	// denied are the log lines that no release may write while it starts.
	denied []string
	// probeTimeout is what an instance has to answer, 0 the usual.
	probeTimeout time.Duration
	// minHealthy is how long a release is to be healthy.
	minHealthy time.Duration
	// bake is how long a release is watched before it is finalized.
	bake time.Duration
	// warnings of all preflights, releases and splits.
	warnings []delivery.Warning
}

// warned counts the warnings of preflights, releases and splits.
func (p *provider) warned(summary string) (n int) {
	for _, w := range p.warnings {
		if w.Summary == summary {
			n++
		}
	}
	return n
}

func newProvider(t *testing.T, w *world, objects store.Store) *provider {
	t.Helper()
	return newProviderFor(t, w, objects, leaseLength)
}

// newProviderFor is newProvider with leases of another length.
func newProviderFor(t *testing.T, w *world, objects store.Store, length time.Duration) *provider {
	t.Helper()
	p := &process{}
	// A process that is known to be gone as soon as another one asks: the tests do not wait for its heartbeat.
	holder := ledger.ThisProcess("terraform")
	holder.Started = "never"
	terms := ledger.Terms{Length: length, Wait: time.Minute, Poll: 20 * time.Millisecond}
	c := &connector{world: w, process: p}
	return &provider{t: t, process: p, run: delivery.NewRun(killableStore{objects, p}, c, holder, terms)}
}

func (p *provider) service() *delivery.Procedure { return p.run.Service(web) }

func (p *provider) close() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.run.Close(ctx, false); err != nil {
		p.t.Errorf("close: %v", err)
	}
}

func (p *provider) state() *ledger.State {
	p.t.Helper()
	view, err := p.service().Read(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return &view.State
}

func content(version string) service.Content {
	var secrets map[string]string
	if version == "secretive" {
		secrets = map[string]string{"DATABASE": "database"}
	}
	return service.Content{Version: version, Secrets: secrets, Host: &service.HostContent{Command: []string{"./web"}}, Artifact: "file:web@sha256:" + fmt.Sprintf("%064d", 1)}
}

func releaseOf(version string) service.ReleaseID { return content(version).ReleaseID(web) }

var quickHealth = service.Health{
	HealthyDeadline: service.Duration(300 * time.Millisecond), ProgressDeadline: service.Duration(time.Minute), Interval: service.Duration(5 * time.Millisecond),
}

// apply is what Terraform does for a release whose every stage changes: the seven steps, ending at the first error.
func (p *provider) apply(ctx context.Context, version string) error {
	return p.applyWith(ctx, version, delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}, {Weight: 50}}, Analysis: quickAnalysis()})
}

func quickAnalysis() *delivery.AnalysisSpec {
	rate := 0.05
	return &delivery.AnalysisSpec{
		Interval: service.Duration(2 * time.Millisecond),
		Config:   analysis.Config{Confidence: 0.99, Errors: &analysis.ErrorRule{MaxRate: &rate}, MinRequests: 10},
		MaxPause: service.Duration(20 * time.Second), OnNoData: delivery.PolicyWait, OnSourceError: delivery.PolicyWait, OnInconclusive: delivery.PolicyPause,
	}
}

func (p *provider) applyWith(ctx context.Context, version string, split delivery.SplitSpec) error {
	s := p.service()
	release := releaseOf(version)
	view, err := s.Read(ctx)
	if err != nil {
		return err
	}
	owner := "owner"
	create := view.State.Definition == nil
	if create {
		if _, err := s.Define(ctx, delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: p.platform, Router: p.router}, Create: true}); err != nil {
			return err
		}
	}
	seen := 0
	if a := view.State.StandingAttempt(); a != nil {
		seen = a.Number
	}
	request := func(stage service.Stage) delivery.Request {
		r := delivery.Request{Release: release, Seen: seen, WorstCase: time.Minute, Arguments: []byte(`{}`), Owner: owner}
		if passage := view.Standing(stage); passage == nil {
			r.Create, r.Owner = true, ""
		} else {
			r.PriorAttempt, r.Owner = passage.Attempt, passage.Owner
		}
		return r
	}
	check := map[string]service.Check{"home": {}}
	steps := []func() error{
		func() error {
			outcome, err := s.Preflight(ctx, request(service.StagePreflight), p.preflight)
			p.warnings = append(p.warnings, outcome.Warnings...)
			return err
		},
		func() error {
			_, err := s.Checkpoint(ctx, request(service.StageCheckpoint), delivery.CheckpointSpec{Retain: 3, Backups: p.backups})
			return err
		},
		func() error {
			health := quickHealth
			health.DenyLogs, health.Timeout, health.MinHealthyTime = p.denied, service.Duration(p.probeTimeout), service.Duration(p.minHealthy)
			outcome, err := s.Execute(ctx, request(service.StageRelease), delivery.ReleaseSpec{Content: content(version), Health: health, Checkpoint: delivery.CheckpointID(release), MaxAttempts: 3})
			p.warnings = append(p.warnings, outcome.Warnings...)
			return err
		},
		func() error {
			_, err := s.SmokeTest(ctx, request(service.StageSmokeTest), delivery.SmokeTestSpec{Checks: check})
			return err
		},
		func() error {
			if !p.hasRouter(view) {
				return nil
			}
			outcome, err := s.Shift(ctx, request(service.StageTrafficSplit), split)
			p.warnings = append(p.warnings, outcome.Warnings...)
			return err
		},
		func() error {
			if split.Weight < 100 {
				return nil
			}
			_, err := s.Verify(ctx, request(service.StageVerification), delivery.VerificationSpec{Checks: check})
			return err
		},
		func() error {
			if split.Weight < 100 {
				return nil
			}
			_, err := s.Finalize(ctx, request(service.StageFinalization), delivery.FinalizationSpec{BakeTime: service.Duration(p.bake), KeepPrevious: max(p.keep, 1)})
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *provider) hasRouter(ledger.View) bool {
	a, err := p.run.Connector().Adapters(service.Definition{ID: web})
	return err == nil && a.Router != nil
}

// weightOf a slot, as the router has it.
func (w *world) weightOf(slot string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.weights[slot]
}
