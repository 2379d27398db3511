package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Directory is where the state and the logs of one instance are: a place for one release after the other.
type Directory string

func (d Directory) path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

// Release is where what belongs to one release is.
func (d Directory) Release(r service.ReleaseID) string { return d.path(r.Label()) }

// Logs is where the log files since the release's last start are.
func (d Directory) Logs(r service.ReleaseID) string { return d.path(r.Label(), "log") }

// LogFile is the name of the log file that is being written to; older ones have a time in their names.
const LogFile = "output.log"

// Lock takes the instance's lock, which its supervisor holds as long as it lives; free is false where somebody has it.
// Closing the file gives it back.
func (d Directory) Lock() (lock *os.File, free bool, err error) {
	if err := os.MkdirAll(string(d), 0o750); err != nil {
		return nil, false, fmt.Errorf("make the directory of an instance: %w", err)
	}
	lock, err = os.OpenFile(d.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("open the lock of an instance: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) //nolint:gosec // a descriptor is small
	if err == nil {
		return lock, true, nil
	}
	_ = lock.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("lock %s: %w", d, err)
}
