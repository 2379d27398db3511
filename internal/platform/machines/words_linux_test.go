package machines_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// said is what a parrot was started with.
type said struct {
	Arguments   []string
	Environment map[string]string
}

// parrot says what it was started with, and stays.
func parrot() int {
	s := said{Arguments: os.Args[2:], Environment: map[string]string{}}
	for _, assignment := range os.Environ() {
		if name, value, _ := strings.Cut(assignment, "="); strings.HasPrefix(name, "V_") {
			s.Environment[name] = value
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return 1
	}
	time.Sleep(time.Hour)
	return 0
}

// What systemd and shells read as more than text.
var nasty = []string{
	"", " ", "a b", "\t", "\n", "a\nb\n", "'", `"`, `\`, `\\`, `\n`, `\x41`, "%", "%%", "%n", "%h", "$", "$$", "$HOME", "${HOME}", "$(id)", "`id`", ";", " ; ", "a;", "#", "# a",
	"-x", "@", "!", "+", ":", "|", "&", "*", "?", "[a]", "~", "{a,b}", "=", "A=B", `"quoted"`, `'quoted'`, `a\`, "ä€😀", "\u00a0", "\u2028", "\ufeff", "\ufffd", "\ufdcf", "\ufdf0", strings.Repeat("x", 5000),
}

const letters = `ab \"'$%{}()[];#&|<>*?~!=-+@:` + "`\t\nä€😀"

func randomWord(r *rand.Rand) string {
	all := []rune(letters)
	word := make([]rune, r.IntN(30))
	for n := range word {
		word[n] = all[r.IntN(len(all))]
	}
	return string(word)
}

// Whatever is in an argument or a variable, the program gets it as it is.
func TestWords(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.artifact("#!/bin/sh\nexec " + instanceProgram + " " + asParrot + " \"$@\"\n")
	want := said{Environment: map[string]string{}}
	for n := range 300 {
		word := randomWord(random)
		if n < len(nasty) {
			word = nasty[n]
		}
		want.Arguments = append(want.Arguments, word)
		want.Environment[fmt.Sprintf("V_%03d", n)] = word
	}
	want.Arguments = append(want.Arguments, "\r\x01\x7f") // a command line may hold them, an environment file not
	r := g.release("1.0.0")
	r.Content.Host.Command = append([]string{"./web"}, want.Arguments...)
	r.Content.Config = maps.Clone(want.Environment)
	r.ID = r.Content.ReleaseID(g.id)
	r = g.placed(r, "blue")
	g.ok(g.Start(t.Context(), r, want.Environment))
	var got said
	g.eventually(func() error {
		lines, err := g.Logs(t.Context(), r.Placement, 1000)
		g.ok(err)
		// Long lines come in pieces.
		return json.Unmarshal([]byte(strings.Join(lines, "")), &got)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-given +got):\n%s", diff)
	}
}

// What systemd would leave out, and say in its log, is refused before, without the value.
func TestWordsThatSystemdDropsAreRefused(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	r := g.placed(g.release("1.0.0"), "blue")
	for _, value := range []string{"hidden\r\n", "hidden\x01", "hidden\xff", "hidden\ufffe", "hidden\U0010ffff", "hidden\ufdd0"} {
		err := g.Start(t.Context(), r, map[string]string{"TOKEN": value})
		if err == nil {
			t.Fatalf("%q was passed on", value)
		}
		g.contains(err.Error(), "TOKEN", "base64")
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("the value is in %q", err)
		}
	}
}

// Secrets are with the instance, and with root in one file; nobody else finds them.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-and-more"
	for name, k := range map[string]kind{"Environment": asRoot, "Credentials": withSudo, "UsersOwn": usersOwnCredentials} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, k, hosts(t, 1), 1)
			r := g.release("1.0.0")
			r.Content.Secrets = map[string]string{"TOKEN": "token"}
			r.Content.Config = map[string]string{"GREETING": "hello"}
			if k.systemd.Secrets == service.SecretsCredentials {
				g.artifact("#!/bin/sh\nGREETING=\"$GREETING $(cat \"$CREDENTIALS_DIRECTORY/TOKEN\")\" exec " + instanceProgram + " " + asInstance + "\n")
				r.Content.Artifact = g.reference.String()
			}
			r.ID = r.Content.ReleaseID(g.id)
			r = g.placed(r, "blue")
			g.started(r, map[string]string{"TOKEN": secret, "GREETING": "hello"})
			token, greeting := g.get(r.Placement.Instances[0], "TOKEN"), g.get(r.Placement.Instances[0], "GREETING")
			want := []string{secret, "hello"}
			if k.systemd.Secrets == service.SecretsCredentials {
				want = []string{"", "hello " + secret}
			}
			if got := []string{token, greeting}; !slices.Equal(got, want) {
				t.Errorf("the instance has %q, want %q", got, want)
			}
			h := g.hosts[0]
			// Who is nobody finds it nowhere; root, in the files and the processes that are meant for it alone. What looks for it does not
			// have it among its own arguments.
			found := h.Run(t, `cd /; setpriv --reuid nobody --clear-groups sh -c 'grep -als "[h]unter2" /proc/[0-9]*/cmdline /proc/[0-9]*/environ; grep -rls "[h]unter2" /etc/systemd `+g.definition.Directory+`' 2>/dev/null
				journalctl -o export | grep -c '[h]unter2'; grep -rls '[h]unter2' `+g.definition.Directory+`; stat -c '%a' `+g.definition.Directory+`/slots/blue/0/environment; exit 0`)
			file := "environment"
			if k.systemd.Secrets == service.SecretsCredentials {
				file = "credentials/TOKEN"
			}
			if dated := h.Run(t, "find "+g.definition.Directory+"/slots ! -newermt '1 day ago'"); dated != "" {
				t.Errorf("dated long ago: %q", dated)
			}
			if want := "0\n" + g.definition.Directory + "/slots/blue/0/" + file + "\n600\n"; found != want {
				t.Errorf("found in %q, want %q", found, want)
			}
			g.ok(g.Remove(t.Context(), r.Placement))
			if found := h.Run(t, "grep -rls '[h]unter2' "+g.definition.Directory+" /etc/systemd /run/credentials/"+g.unit("blue", 0)+" 2>/dev/null; exit 0"); found != "" {
				t.Errorf("left in %q", found)
			}
		})
	}
}
