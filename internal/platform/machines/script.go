package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

const (
	// readTimeout bounds a script that only looks.
	readTimeout = 30 * time.Second
	// workMargin is how long a script that changes something may take beyond what it waits for.
	workMargin = 2 * time.Minute
	// lockMargin is how long it waits for another one's lock, beyond the time that an instance may take to stop.
	lockMargin = 30 * time.Second
	// staleStatus is what a guard exits with when a newer run is at work.
	staleStatus = 75
)

// Scripts that refuse something say so on the last line of what they print: refused, a word, and a text. They exit with 0 then. Only one
// that prints nothing else before is known by it to run; who has others looks for it himself, as readSights does.
const refused = "!refused "

// refusal is what a script refused to do.
type refusal struct {
	// kind is a word of our own scripts; empty where the text says all.
	kind, text string
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// prelude begins each script.
//
//	fail KIND TEXT  ends it with a refusal; what still comes on standard input is read, so that nobody writes into a closed pipe
//	say TEXT...     prints a line as it is: echo of some shells replaces what looks like escapes, and texts are others'
//	listeners       says the lines of sockets that listen and match
//	show, journal   ask; ctl and root change, by sudo where it is used
//	journal_sync    has the journal take in what it was told, for a second at most: where it hangs, this would as well
func (p part) prelude() string {
	var b strings.Builder
	b.WriteString("export LC_ALL=C TZ=UTC PATH=\"$PATH:/usr/sbin:/usr/bin:/sbin:/bin\"; umask 022\n")
	b.WriteString("fail() { cat >/dev/null; printf '" + refused + "%s %s\\n' \"${1:--}\" \"$2\"; exit 0; }\n")
	b.WriteString("say() { printf '%s\\n' \"$*\"; }\n")
	b.WriteString("dir=" + shellword.Quote(p.Directory) + " release=" + shellword.Quote(string(p.release)) + " label=" + shellword.Quote(p.release.Label()) + " slot=" + shellword.Quote(p.slot) + "\n")
	sudo, scope, units, match, field := "", "", "/etc/systemd/system", "_SYSTEMD_UNIT", "UNIT"
	if p.Sudo {
		sudo = "sudo -n"
	}
	if p.Scope == service.ScopeUser {
		scope, units, match, field = "--user", `${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user`, "_SYSTEMD_USER_UNIT", "USER_UNIT"
		b.WriteString("export XDG_RUNTIME_DIR=\"/run/user/$(id -u)\"; unset DBUS_SESSION_BUS_ADDRESS\n")
		b.WriteString("[ -S \"$XDG_RUNTIME_DIR/systemd/private\" ] || fail manager \"systemd runs no manager of the user $(id -un) there: loginctl enable-linger $(id -un)\"\n")
	}
	b.WriteString("units=\"" + units + "\" match=" + match + " field=" + field + " sudo=\"" + sudo + "\"\n")
	// Without an input of their own: a sudo that keeps what is typed (log_input) reads all that it is given, such as the lines of a loop.
	b.WriteString("root() { " + sudo + " \"$@\" </dev/null; }\n")
	b.WriteString("ctl() { " + sudo + " systemctl --no-ask-password " + scope + " \"$@\" </dev/null; }\n")
	b.WriteString("show() { systemctl " + scope + " show --no-pager \"$@\"; }\n")
	b.WriteString(listenersFunction)
	b.WriteString("journal() { " + sudo + " journalctl -q --no-pager \"$@\" </dev/null; }\n")
	// What is left of one that hangs under sudo keeps no lock.
	b.WriteString("journal_sync() { $(command -v timeout >/dev/null && echo timeout 1) " + sudo + " journalctl -q --no-pager --sync >/dev/null 2>&1 </dev/null 9>&-; }\n")
	return b.String()
}

// guard is lines of shell that take the lock, and refuse what a run of an older epoch than the noted one wants; a newer one is noted.
// They need nothing of the prelude, and fail by refuse: a command, given a word and a text. Where there is no directory, yet or any more,
// there is nothing to lock.
func (p part) guard(ctx context.Context, refuse string) string {
	return "if [ -d " + shellword.Quote(p.Directory) + " ]; then\n" + p.lock(refuse) + p.epoch(ctx, refuse) + "fi\n"
}

// lock is the lines that take the lock. Whoever may read its file could take it as well, and keep it.
func (p part) lock(refuse string) string {
	wait := int((p.DrainTimeout.D() + lockMargin).Seconds())
	dir := shellword.Quote(p.Directory)
	// The braces: a redirection of exec itself would stay, and with it all that goes wrong after it would go unsaid.
	return fmt.Sprintf("umask 077; { command exec 9>>%[1]s/lock; } 2>/dev/null || %[2]s '' \"the user $(id -un) cannot write into \"%[1]s\n"+
		"umask 022; chmod go-r %[1]s/lock 2>/dev/null\n"+
		"flock -w %[3]d 9 || %[2]s '' 'another run has been at work there for %[3]d s: '%[1]s\n", dir, refuse, wait)
}

// epoch is the lines that compare the epochs; they stand behind lock.
func (p part) epoch(ctx context.Context, refuse string) string {
	f, found := fence.From(ctx)
	if !found {
		return ""
	}
	var b strings.Builder
	noted, dir := shellword.Quote(f.String()), shellword.Quote(p.Directory)
	fmt.Fprintf(&b, "guard_epoch=0 guard_ledger=; [ -e %[1]s/epoch ] && read -r guard_epoch guard_ledger <%[1]s/epoch\n", dir)
	b.WriteString("case $guard_epoch in ''|*[!0-9]*) guard_epoch=0 guard_ledger= ;; esac\n")
	fmt.Fprintf(&b, "if [ \"$guard_ledger\" = %s ] && [ \"$guard_epoch\" -gt %d ]; then %s stale \"epoch %[2]d of this run, epoch $guard_epoch in \"%[4]s/epoch; fi\n", shellword.Quote(f.Ledger), f.Epoch, refuse, dir)
	fmt.Fprintf(&b, "if [ \"$guard_epoch $guard_ledger\" != %[1]s ]; then printf '%%s\\n' %[1]s >%[2]s/.epoch && mv -f %[2]s/.epoch %[2]s/epoch || %[3]s '' 'the epoch cannot be noted in '%[2]s; fi\n", noted, dir, refuse)
	return b.String()
}

// transferGuard is the same for package transfer.
func (p part) transferGuard(ctx context.Context) string {
	return fmt.Sprintf("guard_fail() { printf '%%s\\n' \"$2\" >&2; [ \"$1\" = stale ] && exit %d; exit 74; }\n", staleStatus) + p.guard(ctx, "guard_fail")
}

// work is the beginning of a script that changes something.
func (p part) work(ctx context.Context) string { return p.prelude() + p.guard(ctx, "fail") }

// look runs a script that only looks.
func (p part) look(ctx context.Context, script string) (string, error) {
	return p.run(ctx, readTimeout, script, nil)
}

// change runs a script that changes something, which what names.
func (p part) change(ctx context.Context, what string, script string, stdin io.Reader) (string, error) {
	return p.effect(ctx, what, p.work(ctx)+script, stdin)
}

// effect is the same for a script with a guard of its own.
func (p part) effect(ctx context.Context, what string, script string, stdin io.Reader) (string, error) {
	if err := fence.Check(ctx, what); err != nil {
		return "", err
	}
	return p.run(ctx, p.DrainTimeout.D()+lockMargin+workMargin, script, stdin)
}

func (p part) run(ctx context.Context, longest time.Duration, script string, stdin io.Reader) (string, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("no answer within %s", longest))
	defer cancel()
	out, err := p.machine.Run(bounded, script, stdin)
	if err != nil {
		if cause := context.Cause(bounded); cause != nil && ctx.Err() == nil {
			err = cause
		}
		return "", staleOr(err)
	}
	text := string(out)
	if err := refusalIn(text); err != nil {
		return "", err
	}
	return text, nil
}

// refusalIn is the refusal that a text begins with; nil where it does not.
func refusalIn(text string) error {
	rest, found := strings.CutPrefix(text, refused)
	if !found {
		return nil
	}
	kind, what, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if kind == "stale" {
		return fmt.Errorf("%s: %w", what, fence.ErrStale)
	}
	return &refusal{kind: kind, text: strings.TrimSpace(what)}
}

// staleOr finds a guard's refusal in an error.
func staleOr(err error) error {
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == staleStatus {
		return fmt.Errorf("a newer run has noted its epoch: %w", fence.ErrStale)
	}
	return err
}

// named says on which host something went wrong.
func (p part) named(err error) error {
	if err == nil || p.host == "" {
		return err
	}
	return fmt.Errorf("host %s (%s): %w", p.host, p.machine, err)
}
