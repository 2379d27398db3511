//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// scenario is something that happens under load. It returns when all is as it should be at its end.
type scenario struct {
	name, about string
	do          func(*world, context.Context) error
}

// Those in which an instance is killed are beside them: losses.go.
var scenarios = []scenario{
	{"idle", "no release", func(w *world, ctx context.Context) error { return w.pass(ctx, w.options.idle) }},
	{"good", "a good release in three steps, judged", (*world).goodRelease},
	{"restore", "a release that turns bad at 50 %, restored", (*world).badRelease},
	{"blue-green", "blue-green in one step", (*world).blueGreen},
	{"reload", "both HAProxy reloaded at 50 %", (*world).reloaded},
	{"killed-provider", "the provider killed at 50 %, recovered", (*world).killedProvider},
}

const (
	// killedInstance is the name of the scenario that is compared with HAProxy alone.
	killedInstance = "killed-instance"
	// noScenario stands for none of them.
	noScenario = "-"
)

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return append(names, killedInstance)
}

// pass lets time pass: for it there is nothing to wait for but that.
func (w *world) pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apply starts a release of another version.
func (w *world) apply(ctx context.Context, judged bool, steps ...step) (*running, error) {
	w.releases++
	text, err := json.Marshal(append([]step{}, steps...))
	if err != nil {
		return nil, err
	}
	w.applied = []string{"apply", "-no-color", "-auto-approve", "-var=version_number=1." + strconv.Itoa(w.releases), "-var=steps=" + string(text), "-var=judged=" + strconv.FormatBool(judged)}
	return w.cli.start(ctx, "web", w.applied...)
}

// again applies what was applied last, which changes nothing.
func (w *world) again(ctx context.Context) (time.Duration, error) {
	r, err := w.cli.start(ctx, "web", w.applied...)
	if err != nil {
		return 0, err
	}
	err = r.wait()
	if err == nil && !strings.Contains(r.out.String(), "No changes.") {
		err = fmt.Errorf("applied again, it changes something (%s)", r.log)
	}
	return r.took, err
}

// release makes one, from the beginning to the end.
func (w *world) release(ctx context.Context, judged bool, steps ...step) (time.Duration, error) {
	r, err := w.apply(ctx, judged, steps...)
	if err != nil {
		return 0, err
	}
	err = r.wait()
	return r.took, err
}

func (w *world) step(weight int) step { return step{weight, w.options.pause.String()} }

// long is a step in which something else happens.
func long(weight int) step { return step{weight, "5m"} }

func (w *world) goodRelease(ctx context.Context) error {
	_, err := w.release(ctx, true, w.step(10), w.step(50))
	return err
}

func (w *world) blueGreen(ctx context.Context) error {
	_, err := w.release(ctx, false)
	return err
}

// reaches waits until a slot has a share of the traffic on both.
func (w *world) reaches(ctx context.Context, r *running, slot string, share int) error {
	for deadline := time.Now().Add(patience); ; {
		there := 0
		for _, lb := range w.Balancers {
			if got, err := w.share(ctx, lb, slot); err != nil {
				return err
			} else if got == share {
				there++
			}
		}
		if there == len(w.Balancers) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("slot %s has not %d %% after %s", slot, share, patience)
		}
		select {
		case <-r.ended:
			return errors.Join(fmt.Errorf("the release ended before slot %s had %d %%", slot, share), r.wait())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// atHalf starts a release and waits until it has half of the traffic.
func (w *world) atHalf(ctx context.Context, judged bool, steps ...step) (r *running, stable string, err error) {
	if stable, err = w.stable(ctx); err != nil {
		return nil, "", err
	}
	if r, err = w.apply(ctx, judged, steps...); err != nil {
		return nil, "", err
	}
	if err := w.reaches(ctx, r, otherSlot(stable), 50); err != nil {
		_ = r.cmd.Cancel()
		<-r.ended
		return nil, "", err
	}
	return r, stable, nil
}

// restored tells whether stable has all of the traffic again.
func (w *world) restored(ctx context.Context, stable string) error {
	now, err := w.stable(ctx)
	if err == nil && now != stable {
		err = fmt.Errorf("slot %s has the traffic, not %s", now, stable)
	}
	return err
}

func (w *world) badRelease(ctx context.Context) error {
	r, stable, err := w.atHalf(ctx, true, w.step(10), long(50))
	if err != nil {
		return err
	}
	for _, h := range w.Hosts {
		if err := w.ask(ctx, net.JoinHostPort(h.Address, strconv.Itoa(w.port(otherSlot(stable)))), "/turn-bad"); err != nil {
			return err
		}
	}
	var exit *exec.ExitError
	if err := r.wait(); !errors.As(err, &exit) || !strings.Contains(r.out.String(), "Rolled Back") {
		return fmt.Errorf("the bad release was not rolled back: %w", err)
	}
	return w.restored(ctx, stable)
}

func (w *world) reloaded(ctx context.Context) error {
	pause := step{50, (w.options.pause + 5*time.Second).String()}
	r, stable, err := w.atHalf(ctx, false, pause)
	if err != nil {
		return err
	}
	for _, lb := range w.Balancers {
		before, err := w.runtime(lb).Info(ctx)
		if err != nil {
			return err
		}
		if _, err := lb.Run(ctx, "systemctl reload haproxy"); err != nil {
			return err
		}
		if err := w.until(ctx, "HAProxy on "+lb.Name+" is another process", func() (bool, error) {
			now, err := w.runtime(lb).Info(ctx)
			return err == nil && now.Pid != before.Pid, nil //nolint:nilerr // it does not answer for a moment
		}); err != nil {
			return err
		}
		if share, err := w.share(ctx, lb, otherSlot(stable)); err != nil || share != 50 {
			return fmt.Errorf("after the reload of HAProxy on %s the candidate has %d %%: %w", lb.Name, share, err)
		}
	}
	return r.wait()
}

func (w *world) killedProvider(ctx context.Context) error {
	r, stable, err := w.atHalf(ctx, false, long(50))
	if err != nil {
		return err
	}
	if err := r.kill(); err != nil {
		return err
	}
	if err := r.wait(); err == nil {
		return errors.New("an apply whose provider was killed succeeds")
	}
	bounded, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	recovery := exec.CommandContext(bounded, w.provider, "recover", "--yes", "--store", w.store(), serviceID)
	recovery.Env = w.cli.environment
	if said, err := recovery.CombinedOutput(); err != nil {
		return fmt.Errorf("recover: %w\n%s", err, said)
	}
	return w.restored(ctx, stable)
}

// until waits until it is so.
func (w *world) until(ctx context.Context, what string, so func() (bool, error)) error {
	for deadline := time.Now().Add(patience); ; {
		if yes, err := so(); yes || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s it is still not so that %s", patience, what)
		}
		if err := w.pass(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (w *world) port(slot string) int {
	if slot == blue {
		return w.Blue
	}
	return w.Green
}

// ask asks an instance itself.
func (w *world) ask(ctx context.Context, address, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path); err != nil {
		return err
	}
	said := make([]byte, 12)
	if _, err := c.Read(said); err != nil || string(said) != "HTTP/1.1 200" {
		return fmt.Errorf("%s%s answered %q: %w", address, path, said, err)
	}
	return nil
}
