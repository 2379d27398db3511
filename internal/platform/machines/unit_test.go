package machines

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func exampleUnit() unit {
	i := instance{Instance: service.Instance{Name: "green/a/1", Address: "10.0.0.11:8081"}, host: "a", slot: "green", number: 1, port: 8081}
	i.unit = unitName("production/web", i.slot, i.number)
	return unit{
		instance: i, service: "production/web", release: "production/web/1.8.2-5c1f9e0b", command: []string{"./bin/web", "--greeting", `50% of "$HOME"`},
		secrets: []string{"DATABASE_URL"}, directory: "/srv/web", address: "10.0.0.11", login: "deploy", drain: 30 * time.Second,
		systemd: *complete(service.HostPlatform{}).Systemd,
	}
}

// Unit files are written as an administrator would: the golden files are what one finds on a machine.
func TestUnitFiles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*unit){
		"system": func(*unit) {},
		"root": func(u *unit) {
			u.login, u.port = "root", 443
			u.systemd.Writable = []string{"/var/lib/web data"}
			u.systemd.Limits = map[string]string{"MemoryMax": "1G", "LimitNOFILE": "65536"}
			u.systemd.Before = [][]string{{"./bin/migrate", "--check"}, {"/usr/bin/true"}}
			u.systemd.Secrets = service.SecretsCredentials
		},
		"user":       func(u *unit) { u.systemd.Scope, u.directory = service.ScopeUser, "/home/deploy/web" },
		"unhardened": func(u *unit) { u.systemd.Unhardened, u.systemd.User, u.systemd.Group = true, "web", "www" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := exampleUnit()
			change(&u)
			got, err := u.render()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".service")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (UPDATE_GOLDEN=1 writes it anew; -golden +got):\n%s", golden, diff)
			}
		})
	}
}

// systemd takes some first characters of a program for orders to itself, also in quotes.
func TestProgramsThatAreMoreThanAName(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"+sh", "-web", "@web", "!!web", ":web", "|web"} {
		u := exampleUnit()
		u.command[0] = program
		if _, err := u.render(); err == nil {
			t.Errorf("%s is run", program)
		}
		u = exampleUnit()
		u.systemd.Before = [][]string{{program}}
		if _, err := u.render(); err == nil {
			t.Errorf("%s is run before", program)
		}
	}
	u := exampleUnit()
	u.command[0] = "./+web"
	if _, err := u.render(); err != nil {
		t.Error(err)
	}
}

func TestTimeoutsAreNeverForEver(t *testing.T) {
	t.Parallel()
	if got := span(max(0, time.Millisecond)); got != "1ms" {
		t.Errorf("%s", got)
	}
}

func TestListeners(t *testing.T) {
	t.Parallel()
	lines := []string{
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0000000000000000 100 0 0 10 0",
		"   1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0000000000000000 100 0 0 10 0",
		"   2: 0B00000A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 13 1 0000000000000000 100 0 0 10 0",
		"   3: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 14 1 0000000000000000 100 0 0 10 0",
		"   4: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 15 1 0000000000000000 100 0 0 10 0",
		"   5: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 16 1 0000000000000000 100 0 0 10 0",
		"garbage",
	}
	for address, want := range map[string]string{
		"127.0.0.1": "11 12 15 16", "10.0.0.11": "12 13 16", "::1": "12 14 16", "web.example.com": "12 13 16", "localhost": "11 12 13 14 15 16",
	} {
		got := ""
		for _, s := range readSockets(lines) {
			if s.accepts(address) {
				got += " " + s.inode
			}
		}
		if got != " "+want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	seen := sight{sockets: readSockets(lines), held: map[string]bool{"13": true}, user: "1000", holders: map[string]string{"16": "process 7 (nc)"}}
	i := instance{port: 0x1f90}
	if own, other := seen.listener(i, "10.0.0.11"); !own || other != "process 7 (nc)" {
		t.Errorf("%t, %q", own, other)
	}
	// Where the processes do not let us see theirs, the user tells.
	seen = sight{sockets: readSockets(lines[2:3]), held: map[string]bool{"hidden": true}, hidden: true, user: "1000"}
	if own, other := seen.listener(i, "10.0.0.11"); !own || other != "" {
		t.Errorf("%t, %q", own, other)
	}
	seen.user = "33"
	if own, other := seen.listener(i, "10.0.0.11"); own || other == "" {
		t.Errorf("%t, %q", own, other)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	log := func(name string, n int) (lines []string) {
		for k := range n {
			lines = append(lines, name+string(rune('0'+k)))
		}
		return lines
	}
	got := share([][]string{log("a", 5), log("b", 1), log("c", 9)}, 8)
	if diff := cmp.Diff([][]string{log("a", 5)[1:], log("b", 1), log("c", 9)[6:]}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	for out, want := range map[string][]string{
		"": nil, "b\na\n": {"a", "b"}, "c\nb\na\n": {"b", "c"}, "\n\n": {"", ""}, "\nend of it\n": {"end of it", ""},
	} {
		got, err := logLines("since 1\n"+out+"\nend \n", 2)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q, %v (-want +got):\n%s", out, err, diff)
		}
	}
	for _, out := range []string{"", "since 1\n", "since 1\nb\na\n", "since 1\na\n\nend of it\n"} {
		if got, err := logLines(out, 2); err == nil {
			t.Errorf("%q is %q", out, got)
		}
	}
}

// A program that is run from the release's files is looked at among them.
func TestProgramsOfARelease(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"./web": "./web", "bin/web": "bin/web", "web": "", "/usr/bin/web": "", "../web": "", "./../web": "", "": ""} {
		if got := (service.Content{Host: &service.HostContent{Command: []string{name}}}).PackedProgram(); got != want {
			t.Errorf("of %q it looks at %q", name, got)
		}
		if run := program(name, "/files"); want != "" && run != path.Join("/files", want) {
			t.Errorf("%q runs %s", name, run)
		}
	}
	if (service.Content{}).PackedProgram() != "" {
		t.Error("nothing is a program")
	}
}

func TestWhoseFilesAnInstanceReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		login, user, scope string
		another            bool
	}{
		{"root", "", service.ScopeSystem, true}, // as a dynamic user
		{"", "", service.ScopeSystem, true},
		{"root", "web", service.ScopeSystem, true},
		{"root", "root", service.ScopeSystem, false},
		{"deploy", "", service.ScopeSystem, false},
		{"deploy", "deploy", service.ScopeSystem, false},
		{"deploy", "web", service.ScopeSystem, true},
		{"deploy", "root", service.ScopeSystem, false},
		{"deploy", "0", service.ScopeSystem, false},
		{"deploy", "", service.ScopeUser, false},
	} {
		if got := (unit{login: c.login, systemd: service.Systemd{Scope: c.scope, User: c.user}}).byAnother(); got != c.another {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// A text with a code point that is never a character is none to systemd, which leaves out what it is in.
func TestNoncharacters(t *testing.T) {
	t.Parallel()
	for text, passes := range map[string]bool{"\ufdcf": true, "\ufdd0": false, "\ufdef": false, "\ufdf0": true, "\ufffd": true, "\ufffe": false, "\uffff": false, "\U0001fffe": false, "\U0010ffff": false} {
		if _, err := environmentLine("TOKEN", "a"+text); (err == nil) != passes || err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("in a variable: %+q, %v", text, err)
		}
		if _, err := commandLine("/bin/web", []string{"a" + text}); (err == nil) != passes {
			t.Errorf("in an argument: %+q, %v", text, err)
		}
	}
}
