package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// Group is a process group in a session that was made for it: what one instance consists of.
type Group struct {
	// Session is the process that made the session, Leader the one that made the group.
	Session, Leader Identity
}

// Members lists the group's living processes. Numbers of sessions and groups are not given out while a process is in
// them, so both together, and a start not before the leader's, are ours; unless the leader's number has another process
// now, which shows that the group was gone meanwhile.
func (g Group) Members() ([]Info, error) {
	return g.members(func(i Info) bool { return i.Group == g.Leader.PID && i.Session == g.Session.PID })
}

// InSession lists the living processes of the session without the one that made it: the group's, and those that it put
// into groups of their own.
func (g Group) InSession() ([]Info, error) {
	return g.members(func(i Info) bool { return i.Session == g.Session.PID && i.PID != g.Session.PID })
}

func (g Group) members(belongs func(Info) bool) ([]Info, error) {
	if g.Leader.PID <= 0 || g.Session.PID <= 0 || !g.Leader.SinceBoot() {
		return nil, nil
	}
	all, err := List()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(i Info) bool { return i.PID == g.Leader.PID && i.Start != g.Leader.Start }) {
		return nil, nil
	}
	return slices.DeleteFunc(all, func(i Info) bool {
		return i.Zombie || i.Start < g.Leader.Start || !belongs(i)
	}), nil
}

// Signal sends a signal to each member; sent is how many got it.
func (g Group) Signal(signal syscall.Signal) (sent int, err error) {
	members, err := g.Members()
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, m := range members {
		reached, err := Identity{PID: m.PID, Start: m.Start, Boot: g.Leader.Boot}.Signal(signal)
		errs = append(errs, err)
		if reached {
			sent++
		}
	}
	return sent, errors.Join(errs...)
}

// Wait waits until the group has no living member, or ctx has ended.
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
		return fmt.Errorf("kill the process group %d: %w", g.Leader.PID, err)
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
