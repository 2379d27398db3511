package acceptance_test

import (
	"strings"
	"testing"
)

// What units of systemd cannot be given is refused in the plan: at the start, with one slot, the old release would be stopped already.
func TestContentThatSystemdCannotTakeIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	const command = `command = ["./web"]`
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"line ends of Windows": {"config   = { ", `config   = { A = "one\r\ntwo", `, []string{`content.config["A"]`, "carriage return", `replace(…, "\r\n", "\n")`}},
		"a sign of systemd":    {command, `command = ["@web"]`, []string{"content.host.command", `"@web"`, "write the program's path"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			hcl := config{Version: "1", NoRouter: true, OneSlot: true}.hcl(r)
			for _, from := range []string{c.from, "      directory = "} {
				if !strings.Contains(hcl, from) {
					t.Fatalf("the configuration has no %q", from)
				}
			}
			hcl = strings.Replace(hcl, c.from, c.to, 1)
			r.write(strings.Replace(hcl, "      directory = ", "      supervisor = \"systemd\"\n      directory = ", 1))
			out := r.planFails()
			wantSaid(t, out, c.want...)
			if n := strings.Count(out, "Error:"); n != 1 {
				t.Errorf("%d errors, want one:\n%s", n, out)
			}
			r.write(hcl) // Processes take it.
			r.plan()
		})
	}
}
