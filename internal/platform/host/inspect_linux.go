package host

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Inspect implements delivery.Platform.
func (h *Host) Inspect(ctx context.Context, p service.Placement) ([]service.InstanceState, error) {
	l, err := h.where(p)
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", p.Release, err)
	}
	states := make([]service.InstanceState, 0, len(p.Instances))
	for _, i := range p.Instances {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("inspect %s: %w", p.Release, err)
		}
		state, err := inspect(l, i, p.Release)
		if err != nil {
			return nil, fmt.Errorf("inspect %s of %s: %w", i.Name, p.Release, err)
		}
		states = append(states, state)
	}
	return states, nil
}

func inspect(l layout, i service.Instance, release service.ReleaseID) (service.InstanceState, error) {
	state := service.InstanceState{Instance: i}
	path, err := l.instance(i.Name)
	if err != nil {
		return state, err
	}
	dir := supervisor.Directory(path)
	status, found, err := dir.ReadStatus()
	if err != nil {
		return state, err
	}
	if !found {
		state.Detail = "it was not started"
		return state, nil
	}
	alive, err := status.InstanceAlive()
	if err != nil {
		return state, err
	}
	supervised := status.Supervisor.Alive()
	if alive || supervised {
		state.Release = status.Release
	}
	if status.Release != release {
		if state.Detail = "it was not started again since " + status.Release.Label() + " had its place"; state.Release != "" {
			state.Detail = "its place is taken by " + status.Release.Label()
		}
		return state, nil
	}
	stopping, err := dir.Stopping(status)
	if err != nil {
		return state, err
	}
	state.Running, state.Restarts, state.Unsupervised, state.Stopping = alive, status.Restarts, alive && !supervised, alive && stopping
	if state.Detail = describe(status, alive, supervised); state.Stopping {
		state.Detail = "it is being stopped"
	}
	if alive && state.Detail == "" {
		state.Detail, err = portDetail(i, status)
	}
	return state, err
}

// describe says what is wrong with an instance; empty if nothing is.
func describe(s supervisor.Status, alive, supervised bool) string {
	last := ""
	if s.LastExit != nil {
		last = fmt.Sprintf("it ended with %s at %s", s.LastExit.Status, moment(s.LastExit.At))
	}
	switch {
	case alive && !supervised:
		return "its supervisor is gone: it runs, and would not be started again if it died"
	case alive && s.Restarts > 0:
		return fmt.Sprintf("%s, and was started again; it did so %s", last, times(s.Restarts))
	case alive:
		return ""
	case supervised && !s.NextStart.IsZero():
		return fmt.Sprintf("%s, and is started again at %s", last, moment(s.NextStart))
	case supervised && s.Child.PID != 0 && last == "":
		return "it has ended this moment"
	case supervised && last == "":
		return "it is being started"
	case !s.StoppedAt.IsZero() && s.LastExit != nil:
		return fmt.Sprintf("it was stopped at %s (%s)", moment(s.StoppedAt), s.LastExit.Status)
	case !s.StoppedAt.IsZero():
		return "it was stopped at " + moment(s.StoppedAt)
	case !s.Supervisor.SinceBoot():
		return "the machine was started again since it ran"
	case supervised:
		return last
	case last != "":
		return last + ", and its supervisor is gone"
	}
	return "it and its supervisor are gone"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// portDetail says what is wrong with an instance's port; empty if nothing is.
func portDetail(i service.Instance, status supervisor.Status) (string, error) {
	found, err := listenersOf(i, status)
	if err != nil {
		return "", err
	}
	switch {
	case found.others != "":
		return fmt.Sprintf("it does not listen on %s, but %s does", i.Address, found.others), nil
	case !found.own:
		return fmt.Sprintf("it does not listen on %s", i.Address), nil
	}
	return "", nil
}
