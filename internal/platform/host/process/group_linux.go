package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Group is what one instance consists of: the processes of a session that was made for it, without the one that made it
// (the supervisor), in whatever groups they put themselves.
type Group struct {
	// Session is the process that made the session, Leader the first one of the instance; zero where it is not known.
	Session, Leader Identity
	// Mark is a variable of the environment (NAME=value) that the instance's processes have. It tells those of a session
	// that all who are known by their identity have left from those of another, which was given the same number later.
	Mark string
}

// Members lists the living processes of the instance. Numbers of sessions and groups are not given out while a process is
// in them. So a session is ours while its maker, the leader or the leader's group is there; beyond that the mark decides.
// Where the maker's number has another process now, the session was gone meanwhile.
func (g Group) Members() ([]Info, error) {
	if g.Session.PID <= 0 || !g.Session.SinceBoot() {
		return nil, nil
	}
	all, err := List()
	if err != nil {
		return nil, err
	}
	anchored, led := false, g.Leader.PID > 0
	for _, i := range all {
		switch {
		case i.is(g.Session), i.is(g.Leader):
			anchored = true
		case i.PID == g.Session.PID:
			return nil, nil
		case i.PID == g.Leader.PID:
			led = false
		}
	}
	return slices.DeleteFunc(all, func(i Info) bool {
		if i.Zombie || i.Session != g.Session.PID || i.Start < g.Session.Start || i.PID == g.Session.PID && !i.is(g.Leader) {
			return true
		}
		ofLeader := led && i.Group == g.Leader.PID && i.Start >= g.Leader.Start
		return !anchored && !ofLeader && !marked(i.PID, g.Mark)
	}), nil
}

// is tells whether it is the process that was identified. Whether that was since the machine was started is not looked at.
func (i Info) is(identity Identity) bool { return i.PID == identity.PID && i.Start == identity.Start }

// marked tells whether a process has a variable in its environment; false where we may not see that.
func marked(pid int, mark string) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ")) //nolint:gosec // a number below /proc
	return err == nil && mark != "" && slices.Contains(strings.Split(string(environment), "\x00"), mark)
}

// Signal sends a signal to each member; sent is how many got it.
func (g Group) Signal(signal syscall.Signal) (sent int, err error) {
	members, err := g.Members()
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, m := range members {
		reached, err := Identity{PID: m.PID, Start: m.Start, Boot: g.Session.Boot}.Signal(signal)
		errs = append(errs, err)
		if reached {
			sent++
		}
	}
	return sent, errors.Join(errs...)
}

// Wait waits until the instance has no living process, or ctx has ended.
func (g Group) Wait(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		members, err := g.Members()
		return len(members) == 0, err
	})
}

// Kill sends SIGKILL until no member is left; one may start another in the meantime.
func (g Group) Kill(ctx context.Context) error {
	err := poll(ctx, func() (bool, error) {
		if _, err := g.Signal(syscall.SIGKILL); err != nil {
			return false, err
		}
		members, err := g.Members()
		return len(members) == 0, err
	})
	if err != nil {
		return fmt.Errorf("kill the processes of session %d: %w", g.Session.PID, err)
	}
	return nil
}

// End sends SIGTERM, waits for the members to end, and kills those that have not when ctx ends, at the latest within
// the margin after that.
func (g Group) End(ctx, margin context.Context) error {
	if _, err := g.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := g.Wait(ctx); err == nil {
		return nil
	}
	return g.Kill(margin)
}
