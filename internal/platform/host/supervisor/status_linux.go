package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Status is what a supervisor says of its instance. It stays when both have ended.
type Status struct {
	Release    service.ReleaseID `json:"release"`
	Supervisor process.Identity  `json:"supervisor"`
	// Child is the instance's first process; zero before the first start.
	Child process.Identity `json:"child,omitzero"`
	// StartedAt is when the supervisor was.
	StartedAt time.Time `json:"started_at"`
	// Restarts counts the deaths after which the instance was, or is about to be, started again.
	Restarts int   `json:"restarts"`
	LastExit *Exit `json:"last_exit,omitempty"`
	// NextStart is when a dead instance is started again; zero while it runs.
	NextStart time.Time `json:"next_start,omitzero"`
	// StoppedAt is when the instance had ended because it was asked to.
	StoppedAt    time.Time        `json:"stopped_at,omitzero"`
	DrainTimeout service.Duration `json:"drain_timeout"`
}

// Exit is how an instance ended.
type Exit struct {
	// Status in words: "exit status 3", "signal: killed".
	Status string    `json:"status"`
	At     time.Time `json:"at"`
}

// ReleaseVariable of an instance's environment holds its release, and is what its processes are known by.
const ReleaseVariable = "DEPLOY_RELEASE"

// Group is all processes of the instance.
func (s Status) Group() process.Group {
	return process.Group{Session: s.Supervisor, Leader: s.Child, Mark: ReleaseVariable + "=" + string(s.Release)}
}

// InstanceAlive tells whether a process of the instance lives, supervised or not: also one that a supervisor started and was
// killed before it could say so.
func (s Status) InstanceAlive() (bool, error) {
	if s.Child.Alive() {
		return true, nil
	}
	members, err := s.Group().Members()
	return len(members) > 0, err
}

// ReadStatus reads the status of an instance; found is false where nothing was ever started in its place.
func (d Directory) ReadStatus() (status Status, found bool, err error) {
	data, err := os.ReadFile(d.path(statusFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &status)
	}
	if err != nil {
		return Status{}, false, fmt.Errorf("read the status of an instance in %s: %w", d.path(statusFile), err)
	}
	return status, true, nil
}

const statusFile = "status.json"

// WriteStatus replaces the status. Only who holds the lock may.
func (d Directory) WriteStatus(s Status) (err error) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the status of an instance: %w", err)
	}
	temporary := d.path("." + statusFile)
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // a file of ours
	if err != nil {
		return fmt.Errorf("write the status of an instance: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the status of an instance: %w", err)
	}
	if err := os.Rename(temporary, d.path(statusFile)); err != nil {
		return fmt.Errorf("write the status of an instance: %w", err)
	}
	return nil
}

// RemoveStatus forgets what was started. Only who holds the lock may.
func (d Directory) RemoveStatus() error {
	for _, name := range []string{statusFile, stoppingFile} {
		if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the status of an instance: %w", err)
		}
	}
	return nil
}
