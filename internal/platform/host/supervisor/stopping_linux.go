package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
)

// stoppingFile names the supervisor whose instance is being stopped. It is no part of the status, which is the supervisor's to write: who
// stops an instance notes that before anything of it is told to end, so that nobody who looks then takes it for one that stays; also where
// the supervisor is one of an older version, or is gone. Of the next supervisor in the place it says nothing.
const stoppingFile = "stopping.json"

// NoteStopping notes that what the supervisor looks after is being stopped. Anybody may.
func (d Directory) NoteStopping(supervisor process.Identity) (err error) {
	data, err := json.Marshal(supervisor)
	if err != nil {
		return fmt.Errorf("note that an instance is being stopped: %w", err)
	}
	// Of two who stop it at once each has a file of its own. It need not outlive a loss of power, which ends the instance too.
	f, err := os.CreateTemp(string(d), "."+stoppingFile+".*")
	if err != nil {
		return fmt.Errorf("note that an instance is being stopped: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.path(stoppingFile))
	}
	if err != nil {
		return fmt.Errorf("note that an instance is being stopped: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Stopping tells whether what has this status is being stopped, or was.
func (d Directory) Stopping(s Status) (bool, error) {
	data, err := os.ReadFile(d.path(stoppingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read whether an instance is being stopped: %w", err)
	}
	var supervisor process.Identity
	// One that a loss of power has left empty is of nothing that runs.
	return json.Unmarshal(data, &supervisor) == nil && supervisor == s.Supervisor, nil
}
