package supervisor

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Spec is what a supervisor is to run. It holds secrets, and is never written to a disk.
type Spec struct {
	Release service.ReleaseID `json:"release"`
	// Command is the program, as an absolute path, and its arguments as it sees them, its own name first.
	Program string   `json:"program"`
	Command []string `json:"command"`
	// Directory that it is started in.
	Directory string `json:"directory"`
	// Environment is all of it, as NAME=value.
	Environment []string `json:"environment"`
	// DrainTimeout is how long it may take to end after SIGTERM, before SIGKILL.
	DrainTimeout service.Duration `json:"drain_timeout"`
	Log          service.HostLog  `json:"log"`
	Backoff      Backoff          `json:"backoff"`
	// Fence is that of the run that wants it, EpochFile where the newest run is noted: nothing is started for an older one.
	Fence     fence.Fence `json:"fence"`
	EpochFile string      `json:"epoch_file,omitempty"`
}

// stale is an error where a newer run is noted than the one that wants this.
func (s Spec) stale() error {
	if s.EpochFile == "" {
		return nil
	}
	newer, err := s.Fence.Newer(s.EpochFile)
	if err == nil && newer {
		err = fence.ErrStale
	}
	return err
}

// Backoff is how long to wait before an instance that died is started again.
type Backoff struct {
	// First wait, doubled with each death up to Most.
	First service.Duration `json:"first"`
	Most  service.Duration `json:"most"`
	// Healthy is how long it must have run for the next wait to be the first one again.
	Healthy service.Duration `json:"healthy"`
}

// DefaultBackoff starts again soon, and is no burden where that is in vain.
var DefaultBackoff = Backoff{
	First:   service.Duration(250 * time.Millisecond),
	Most:    service.Duration(30 * time.Second),
	Healthy: service.Duration(30 * time.Second),
}

// after is the next wait, given the previous one (0: none) and how long the instance ran.
func (b Backoff) after(previous, ran time.Duration) time.Duration {
	if previous <= 0 || ran >= b.Healthy.D() {
		return min(b.First.D(), b.Most.D())
	}
	return min(2*previous, b.Most.D())
}
