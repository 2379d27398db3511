package machines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Inspect implements delivery.Platform. Where a machine does not answer, the states of those that do come beside the error.
func (m *Machines) Inspect(ctx context.Context, p service.Placement) ([]service.InstanceState, error) {
	parts, err := m.parts(p)
	if err == nil {
		err = m.Reach(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", p.Release, err)
	}
	byPart := make([][]service.InstanceState, len(parts))
	err = each(parts, 0, func(n int, p part) error {
		seen, err := p.see(ctx)
		if err != nil {
			return err
		}
		states := make([]service.InstanceState, len(seen))
		for k, i := range p.instances {
			if why := seen[k].onItsWay(p.release); why != "" {
				return errors.New(why)
			}
			states[k] = p.state(i, seen[k])
		}
		byPart[n] = states
		return nil
	})
	byName := map[string]service.InstanceState{}
	for _, states := range byPart {
		for _, s := range states {
			byName[s.Name] = s
		}
	}
	var states []service.InstanceState
	for _, i := range p.Instances {
		if s, found := byName[i.Name]; found {
			states = append(states, s)
		}
	}
	if err != nil {
		return states, fmt.Errorf("inspect %s: %w%s", p.Release, err, others(states))
	}
	return states, nil
}

// others says what is known of the machines that answered.
func others(states []service.InstanceState) string {
	text := ""
	for _, s := range states {
		what := "runs " + s.Release.Label()
		if !s.Running {
			what = "does not run: " + s.Detail
		}
		text += "; " + s.Name + " " + what
	}
	return text
}

// state says what a sight of an instance means.
func (p part) state(i instance, s sight) service.InstanceState {
	state := service.InstanceState{Instance: i.Instance}
	state.Release = s.occupant(p)
	switch {
	case state.Release == "" && s.active():
		state.Detail = "its place is taken by something else: the unit " + i.unit + " runs, and does not say which release"
		return state
	case state.Release == "" && p.Existing == "" && s.last == "":
		state.Detail = "it was not started"
		return state
	case state.Release == "" && p.Existing == "" && s.last != p.release:
		state.Detail = "it was not started again since " + s.last.Label() + " had its place"
		return state
	case state.Release == "" && p.Existing != "" && s.properties["LoadState"] == "not-found":
		state.Detail = "there is no unit " + i.unit
		return state
	case state.Release != "" && state.Release != p.release:
		state.Detail = "its place is taken by " + state.Release.Label()
		return state
	}
	state.Running, state.Boot = s.active() && s.running(), s.machine
	state.Stopping = state.Running && s.ending()
	state.Restarts = s.restarts()
	state.Detail = s.describe(state.Running, state.Restarts)
	if state.Running && state.Detail == "" && p.Existing == "" && !s.enabled() {
		state.Unsupervised = true
		state.Detail = "its unit is not enabled: it would not come back when the machine is started again"
	}
	if state.Running && state.Detail == "" {
		state.Detail = s.portDetail(i, p.address)
	}
	return state
}

// onItsWay says that the machine goes down, or comes up and has not come to the release's instance yet: it tells nothing of the instance that it
// does not run then. Empty where it does neither.
func (s sight) onItsWay(r service.ReleaseID) string {
	switch {
	case s.last != r || !s.stopped.IsZero():
		return ""
	case s.manager == "stopping" && (!s.active() || s.ending()):
		return "the machine is going down"
	case !s.enabled() || !s.since.Before(s.boot):
		return ""
	case (s.manager == "initializing" || s.manager == "starting") && s.properties["ActiveState"] == "inactive" && s.properties["InvocationID"] == "", s.firstStart():
		return "the machine is coming up"
	}
	return ""
}

// firstStart tells whether what is run before the program runs for the first time since the machine was started. That holds whatever the manager
// says of itself, which may count as up before. It ends when that has failed, as it does after systemd's TimeoutStartSec: what is started again is
// no first start.
func (s sight) firstStart() bool {
	return s.properties["ActiveState"] == "activating" && !strings.HasPrefix(s.properties["SubState"], "auto-restart") && !s.running() &&
		s.number("NRestarts") == 0 && s.number("ActiveEnterTimestampMonotonic") == 0
}

// active tells whether systemd has it run, or is about to start or to stop it.
func (s sight) active() bool {
	switch s.properties["ActiveState"] {
	case "active", "activating", "reloading", "deactivating":
		return true
	}
	return false
}

// ending tells whether systemd is about to end it, or what its main process has left running: it was told to, the machine goes down, or it will
// start it again.
func (s sight) ending() bool { return s.properties["ActiveState"] == "deactivating" }

func (s sight) enabled() bool {
	switch s.properties["UnitFileState"] {
	case "enabled", "enabled-runtime", "static", "indirect", "generated", "alias":
		return true
	}
	return false
}

// running tells whether the main process is there.
func (s sight) running() bool {
	switch s.properties["SubState"] {
	case "start-pre", "auto-restart", "dead", "failed", "exited":
		return false
	}
	return s.number("MainPID") > 0
}

func (s sight) number(name string) int {
	n, _ := strconv.Atoi(s.properties[name]) // not there: 0
	return n
}

// release that the unit runs, as far as can be told: as its process says, else as the unit does.
func (s sight) release(p part) service.ReleaseID {
	if p.Existing != "" {
		return p.release
	}
	if s.process != "" {
		return service.ReleaseID(s.process)
	}
	for word := range strings.FieldsSeq(s.properties["Environment"]) {
		if id, found := strings.CutPrefix(strings.Trim(word, `"`), "DEPLOY_RELEASE="); found && id != "" {
			return service.ReleaseID(id)
		}
	}
	return s.last
}

// describe says what is wrong with an instance; empty if nothing is.
func (s sight) describe(running bool, restarts int) string {
	last := ""
	code, status := s.properties["ExecMainCode"], s.properties["ExecMainStatus"]
	switch {
	case s.death.before:
		last = fmt.Sprintf("what is run before it (systemd.before) ended with %s at %s", s.death.how, moment(s.death.at))
	case s.death != (death{}):
		last = fmt.Sprintf("it ended with %s at %s", s.death.how, moment(s.death.at))
	case code != "" && code != "0":
		last = "it ended with " + ending(code, status) + at(s.properties["ExecMainExitTimestamp"])
	}
	active, sub := s.properties["ActiveState"], s.properties["SubState"]
	switch {
	case running && s.ending():
		if result := s.properties["Result"]; result == "watchdog" || result == "oom-kill" { // which nobody has asked for
			return "systemd is ending it (" + result + ")"
		}
		return "it is being stopped"
	case running && restarts > 0:
		if last == "" {
			last = "it died"
		}
		return fmt.Sprintf("%s, and was started again; it did so %s", last, times(restarts))
	case running:
		return ""
	case s.ending():
		return cmp.Or(last, "it has ended") + ", and what it left running is being ended"
	case sub == "auto-restart" && last == "":
		return "its program was not reached, and it is started again"
	case sub == "auto-restart":
		return last + ", and is started again"
	case active == "activating" && last == "":
		return "it is being started"
	case active == "activating":
		return last + ", and is being started again"
	case !s.stopped.IsZero() && last != "":
		return fmt.Sprintf("it was stopped at %s (%s)", moment(s.stopped), ending(code, status))
	case !s.stopped.IsZero():
		return "it was stopped at " + moment(s.stopped)
	case s.properties["LoadState"] == "not-found":
		return "its unit is gone"
	case last == "" && !s.since.IsZero() && s.since.Before(s.boot):
		return "the machine was started again since it ran"
	case last != "":
		return last + ", and is not started again"
	}
	return "it does not run"
}

// ending says how a process ended: code and status are those of waitid(2), or words of systemd for the code.
func ending(code, status string) string {
	switch code {
	case "2", "killed":
		return "signal: " + signalName(status)
	case "3", "dumped":
		return "signal: " + signalName(status) + " (core dumped)"
	}
	text := "exit status " + status
	if what := systemdStatus[status]; what != "" {
		text += " (" + what + ")"
	}
	return text
}

// systemdStatus are exit statuses that systemd itself ends a process with before the program runs, by systemd.exec(5).
var systemdStatus = map[string]string{
	"200": "its directory cannot be entered", "203": "its program cannot be executed", "216": "its group is not known", "217": "its user is not known",
	"218": "its capabilities cannot be set", "226": "its file system cannot be set up", "228": "its system calls cannot be restricted", "243": "its credentials cannot be read",
}

func signalName(number string) string {
	names := map[string]string{"1": "hangup", "2": "interrupt", "4": "illegal instruction", "6": "aborted", "9": "killed", "11": "segmentation fault", "15": "terminated"}
	if name := names[number]; name != "" {
		return name
	}
	return number
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// systemdTime is how systemctl shows a time.
const systemdTime = "Mon 2006-01-02 15:04:05 MST"

// at reads a time as systemctl shows it.
func at(text string) string {
	t, err := time.Parse(systemdTime, text)
	if err != nil {
		return ""
	}
	return " at " + t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// portDetail says what is wrong with an instance's port; empty if nothing is.
func (s sight) portDetail(i instance, address string) string {
	own, other := s.listener(i, address)
	switch {
	case other != "":
		return fmt.Sprintf("it does not listen on %s, but %s does", i.Address, other)
	case !own:
		return "it does not listen on " + i.Address
	}
	return ""
}
