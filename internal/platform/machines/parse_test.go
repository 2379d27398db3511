package machines

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// answer is what a machine says of an instance that died once and runs again.
const answer = `Id=production-web-green-1.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=4711
NRestarts=2
ExecMainCode=0
ExecMainStatus=0
InvocationID=acbf658c7d9c4b14ae7ee1a0b09d4aa7
Environment=PORT=8081 DEPLOY_RELEASE=production/web/1.8.2-5c1f9e0b DEPLOY_SLOT=green

end
slot 0 release production/web/1.8.2-5c1f9e0b
slot 0 since 1795674890.123456789
event production-web-green-1.service {"__REALTIME_TIMESTAMP":"1795674900000000","MESSAGE_ID":"7d49","INVOCATION_ID":"acbf658c7d9c4b14ae7ee1a0b09d4aa7"}
event production-web-green-1.service {"__REALTIME_TIMESTAMP":"1795674899000000","EXIT_CODE":"exited","EXIT_STATUS":"3"}
event production-web-green-1.service {"__REALTIME_TIMESTAMP":"1795674891000000","MESSAGE_ID":"7d49"}
event production-web-green-1.service {"__REALTIME_TIMESTAMP":"1795674880000000","MESSAGE_ID":"7d49"}
process production-web-green-1.service production/web/1.8.2-5c1f9e0b
user production-web-green-1.service 1000
held production-web-green-1.service 13
socket    2: 0B00000A:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 13 1 0000000000000000 100 0 0 10 0
`

func examplePart() part {
	u := exampleUnit()
	return part{record: record{Directory: u.directory, Scope: service.ScopeSystem}, host: "a", release: u.release, slot: "green", address: u.address, instances: []instance{u.instance}}
}

// systemd counted one restart twice, as it does when it reads its units anew in the middle: the journal knows better.
func TestAnswer(t *testing.T) {
	t.Parallel()
	p := examplePart()
	seen, err := p.readSights(answer)
	if err != nil {
		t.Fatal(err)
	}
	s := p.state(p.instances[0], seen[0])
	if want := "it ended with exit status 3 at 2026-11-26 06:34:59.000 UTC, and was started again; it did so once"; !s.Running || s.Release != p.release || s.Restarts != 1 || s.Detail != want {
		t.Errorf("%+v, want %q", s, want)
	}
}

// The journal lowers the count of restarts where it knows of all starts alone: else a death would be hidden by what it does not know of.
func TestRestartsThatTheJournalKnows(t *testing.T) {
	t.Parallel()
	const start, end = `{"__REALTIME_TIMESTAMP":"%d","INVOCATION_ID":"%s"}`, `{"__REALTIME_TIMESTAMP":"%d","INVOCATION_ID":"%s","EXIT_CODE":"exited","EXIT_STATUS":"3"}`
	type entry struct {
		what  string
		after time.Duration
		of    string
	}
	all := []entry{{start, 20 * time.Second, "c"}, {end, 19 * time.Second, "b"}, {start, 11 * time.Second, "b"}, {end, 10 * time.Second, "a"}, {start, time.Second, "a"}}
	for name, c := range map[string]struct {
		entries []entry
		runs    string
		want    int
	}{
		"all":                   {all, "c", 2},
		"the newest is missing": {all[2:], "c", 3},
		"the oldest is missing": {all[:4], "c", 3},
		"more are missing":      {all[:3], "c", 3},
		"nothing":               {nil, "c", 3},
		"of the user's manager": {[]entry{{strings.Replace(start, "INV", "USER_INV", 1), time.Second, "a"}}, "a", 0},
		"of nobody knows which": {[]entry{{start, time.Second, ""}}, "", 3},
		"and before":            {append(slices.Clone(all), entry{end, -time.Second, "0"}, entry{start, -time.Minute, "0"}), "c", 2},
		"an end before all":     {[]entry{all[0], {end, time.Second, "a"}}, "c", 3},
		"more than were read":   {slices.Repeat([]entry{{start, time.Second, "c"}}, maxEvents), "c", 1000},
		"almost as many":        {slices.Repeat([]entry{{start, time.Second, "c"}}, maxEvents-1), "c", maxEvents - 2},
	} {
		since := time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)
		s := sight{properties: map[string]string{"InvocationID": c.runs, "NRestarts": "3"}, since: since}
		if len(c.entries) > len(all)+2 {
			s.properties["NRestarts"] = "1000"
		}
		for _, e := range c.entries {
			s.event(fmt.Sprintf(e.what, since.Add(e.after).UnixMicro(), e.of))
		}
		if got := s.restarts(); got != c.want {
			t.Errorf("%s: %d restarts instead of %d: %+v", name, got, c.want, s.starts)
		}
	}
}

// That an instance does not run says nothing while its machine goes down, or has not come to it yet; it does where it ran since, or was not to run.
func TestMachineOnItsWay(t *testing.T) {
	t.Parallel()
	boot := time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)
	p := examplePart()
	for name, c := range map[string]struct {
		change func(*sight)
		want   string
	}{
		"coming up":                    {func(*sight) {}, "the machine is coming up"},
		"just there":                   {func(s *sight) { s.manager = "initializing" }, "the machine is coming up"},
		"going down":                   {func(s *sight) { s.manager, s.since = "stopping", boot.Add(time.Second) }, "the machine is going down"},
		"ended by its going down":      {func(s *sight) { s.manager, s.properties["ActiveState"] = "stopping", "failed" }, "the machine is going down"},
		"up":                           {func(s *sight) { s.manager = "running" }, ""},
		"up in part":                   {func(s *sight) { s.manager = "degraded" }, ""},
		"nobody says":                  {func(s *sight) { s.manager = "" }, ""},
		"runs":                         {func(s *sight) { s.properties["ActiveState"] = "active" }, ""},
		"failed since":                 {func(s *sight) { s.properties["ActiveState"] = "failed" }, ""},
		"started since":                {func(s *sight) { s.since = boot.Add(time.Second) }, ""},
		"stopped":                      {func(s *sight) { s.stopped = boot }, ""},
		"stopped, and going down":      {func(s *sight) { s.stopped, s.manager = boot, "stopping" }, ""},
		"ran since":                    {func(s *sight) { s.properties["InvocationID"] = "acbf658c7d9c4b14ae7ee1a0b09d4aa7" }, ""},
		"is being stopped":             {func(s *sight) { s.properties["ActiveState"], s.manager = "deactivating", "running" }, ""},
		"ends as it goes down":         {func(s *sight) { s.properties["ActiveState"], s.manager = "deactivating", "stopping" }, "the machine is going down"},
		"would not come back":          {func(s *sight) { s.properties["UnitFileState"] = "disabled" }, ""},
		"another release had the slot": {func(s *sight) { s.last = "production/web/0" }, ""},
		// What is run before the program, which may take longer than the machine.
		"before it":                   {func(s *sight) { s.before("starting") }, "the machine is coming up"},
		"before it, with the rest up": {func(s *sight) { s.before("running") }, "the machine is coming up"},
		"before it, started since":    {func(s *sight) { s.before("running"); s.since = boot.Add(time.Second) }, ""},
		"before it, started again":    {func(s *sight) { s.before("starting"); s.properties["NRestarts"] = "1" }, ""},
		"before it, started by hand":  {func(s *sight) { s.before("running"); s.properties["ActiveEnterTimestampMonotonic"] = "4711" }, ""},
		"before it, stopped":          {func(s *sight) { s.before("starting"); s.stopped = boot }, ""},
		"before it, and that failed":  {func(s *sight) { s.before("starting"); s.properties["SubState"] = "auto-restart" }, ""},
		"before it, and that hung":    {func(s *sight) { s.before("starting"); s.properties["ActiveState"] = "deactivating" }, ""},
		"its program, not reached yet": {func(s *sight) {
			s.before("starting")
			s.properties["SubState"], s.properties["MainPID"] = "start", "17"
		}, ""},
		// What its program has left behind.
		"drains, and going down":       {func(s *sight) { s.draining("stopping") }, "the machine is going down"},
		"drains":                       {func(s *sight) { s.draining("running") }, ""},
		"died, and going down":         {func(s *sight) { s.before("stopping"); s.properties["SubState"] = "auto-restart" }, ""},
		"before it, and down at once":  {func(s *sight) { s.before("stopping") }, "the machine is coming up"},
		"active, while the rest is up": {func(s *sight) { s.properties["ActiveState"], s.manager = "active", "starting" }, ""},
	} {
		s := sight{
			properties: map[string]string{"ActiveState": "inactive", "UnitFileState": "enabled"}, last: p.release, since: boot.Add(-time.Hour), boot: boot, manager: "starting",
		}
		c.change(&s)
		if got := s.onItsWay(p.release); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// before has what is run before the program run, and draining a child of the program that has ended.
func (s *sight) before(manager string) { s.is("activating", "start-pre", manager) }

func (s *sight) draining(manager string) { s.is("deactivating", "final-sigterm", manager) }

func (s *sight) is(active, sub, manager string) {
	s.properties["ActiveState"], s.properties["SubState"], s.manager = active, sub, manager
	s.properties["InvocationID"], s.properties["MainPID"], s.properties["NRestarts"] = "acbf658c7d9c4b14ae7ee1a0b09d4aa7", "0", "0"
	s.properties["ActiveEnterTimestampMonotonic"] = "0"
}

// A unit that ends is one that is about to be gone only while its main process is there: where that has died, what it left running is ended before it
// is started again.
func TestUnitThatEnds(t *testing.T) {
	t.Parallel()
	p := examplePart()
	for name, c := range map[string]struct {
		properties        map[string]string
		running, stopping bool
		detail            string
	}{
		"stopped":      {map[string]string{"SubState": "stop-sigterm", "MainPID": "4711", "Result": "success"}, true, true, "it is being stopped"},
		"for too long": {map[string]string{"SubState": "stop-sigkill", "MainPID": "4711", "Result": "timeout"}, true, true, "it is being stopped"},
		"no memory":    {map[string]string{"SubState": "stop-sigterm", "MainPID": "4711", "Result": "oom-kill"}, true, true, "systemd is ending it (oom-kill)"},
		"has died": {map[string]string{"SubState": "stop-sigterm", "MainPID": "0", "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "3"}, false, false,
			"it ended with exit status 3, and what it left running is being ended"},
		"has ended": {map[string]string{"SubState": "stop-post", "MainPID": "0", "Result": "success"}, false, false, "it has ended, and what it left running is being ended"},
	} {
		seen, err := p.readSights("Id=" + p.instances[0].unit + "\nActiveState=deactivating\n\nend\nslot 0 release " + string(p.release) + "\n")
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(seen[0].properties, c.properties)
		s := p.state(p.instances[0], seen[0])
		if s.Release != p.release || s.Running != c.running || s.Stopping != c.stopping || s.Detail != c.detail {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// What a script refuses behind other lines is told as it says it.
func TestRefusalBehindOtherLines(t *testing.T) {
	t.Parallel()
	if _, err := examplePart().readSights(refused + "- systemd does not answer\n"); err == nil || err.Error() != "systemd does not answer" {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(answer)
	f.Add("\nend\nslot -1 release a\nslot 99 since 1\nsocket\nheld\nboot Thu\nmanager starting")
	f.Fuzz(func(t *testing.T, text string) {
		p := examplePart()
		seen, err := p.readSights(text)
		if err != nil {
			return
		}
		if s := p.state(p.instances[0], seen[0]); s.Running && s.Release == "" || !s.Running && s.Detail == "" {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(`1795674890.5 {"id":"production/web/1.0.0-00000000","placement":{"slot":"blue"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := readRecords(text)
		for _, one := range all {
			if err == nil && (one.release.ID == "" || !one.release.Placement.Placed()) {
				t.Errorf("%+v", one)
			}
		}
	})
}

func TestCommandOf(t *testing.T) {
	t.Parallel()
	for shown, want := range map[string]string{
		"{ path=/usr/bin/web ; argv[]=/usr/bin/web --port 80 ; ignore_errors=no ; start_time=[n/a] }": "/usr/bin/web|--port|80",
		"": "", "{ path=/usr/bin/web": "",
	} {
		if got := strings.Join(commandOf(shown), "|"); got != want {
			t.Errorf("%q: %q", shown, got)
		}
	}
}
