package supervisor

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
)

// killMargin is how long processes may take to go after SIGKILL.
const killMargin = 5 * time.Second

// supervision is a supervisor at work.
type supervision struct {
	directory Directory
	spec      Spec
	status    Status
	output    *output
	stop      chan os.Signal
}

// run keeps the instance running until it is asked to stop. answer is told once how the first start went, and program
// starts this one again, for the log.
func run(d Directory, answer *os.File, program []string) error {
	s, err := prepare(d, program)
	if err != nil {
		reportTo(answer, err)
		return err
	}
	defer s.output.close()
	running, err := s.start()
	if err != nil {
		s.status.LastExit = &Exit{Status: "could not be started: " + err.Error(), At: time.Now().UTC()}
		s.write()
		reportTo(answer, err)
		return err
	}
	reportTo(answer, nil)
	return s.keep(running)
}

func prepare(d Directory, program []string) (*supervision, error) {
	s := &supervision{directory: d, stop: make(chan os.Signal, 1)}
	// Before the first status names us: who reads it may signal. SIGHUP is nothing to a session without a terminal.
	signal.Notify(s.stop, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGPIPE)
	var err error
	if s.spec, err = readSpec(); err != nil {
		return nil, err
	}
	if err := s.spec.stale(); err != nil {
		return nil, err
	}
	self, err := process.Of(os.Getpid())
	if err != nil {
		return nil, err
	}
	s.status = Status{Release: s.spec.Release, Supervisor: self, StartedAt: time.Now().UTC(), DrainTimeout: s.spec.DrainTimeout}
	if err := d.WriteStatus(s.status); err != nil {
		return nil, err
	}
	s.output, err = openOutput(d, s.spec, program)
	return s, err
}

// start starts the instance. The error says why it cannot be.
func (s *supervision) start() (*child, error) {
	c, err := startChild(s.spec, s.output.writer)
	if err != nil {
		return nil, err
	}
	s.status.Child, s.status.NextStart = c.identity, time.Time{}
	s.write()
	return c, nil
}

// write keeps going where the status cannot be written: the instance matters more.
func (s *supervision) write() {
	if err := s.directory.WriteStatus(s.status); err != nil {
		complain(err)
	}
}

// keep waits for the end of the instance or for the order to stop, and starts it again after the one and not the other.
func (s *supervision) keep(running *child) error {
	var pause time.Duration
	for {
		began := time.Now()
		exit := Exit{}
		if running != nil {
			select {
			case <-running.exited:
				exit.Status = s.reap(running)
			case <-s.stop:
				return s.end(running)
			}
		}
		pause = s.spec.Backoff.after(pause, time.Since(began))
		exit.At = time.Now().UTC()
		if running != nil {
			s.status.Restarts++
			s.status.LastExit = &exit
		}
		s.status.NextStart = exit.At.Add(pause)
		s.write()
		select {
		case <-time.After(pause):
		case <-s.stop:
			return s.stopped()
		}
		var err error
		if running, err = s.start(); err != nil {
			s.status.LastExit = &Exit{Status: "could not be started again: " + err.Error(), At: time.Now().UTC()}
		}
	}
}

// reap ends what a dead instance has left running, which would hold its port, and tells how it died. Its number stays
// its own until it was waited for, so that the group is still the one that is meant.
func (s *supervision) reap(c *child) string {
	ctx, cancel := context.WithTimeout(context.Background(), killMargin)
	defer cancel()
	if err := s.status.Group().Kill(ctx); err != nil {
		complain(err)
	}
	return c.wait()
}

// end stops the instance: SIGTERM to its group, the drain timeout, SIGKILL.
func (s *supervision) end(c *child) error {
	// Who sent us the signal may not have.
	if err := s.directory.NoteStopping(s.status.Supervisor); err != nil {
		complain(err)
	}
	drain, cancel := context.WithTimeout(context.Background(), s.spec.DrainTimeout.D())
	defer cancel()
	margin, cancelMargin := context.WithTimeout(context.Background(), s.spec.DrainTimeout.D()+killMargin)
	defer cancelMargin()
	if err := s.status.Group().End(drain, margin); err != nil {
		return fmt.Errorf("stop %s: %w", s.spec.Release, err)
	}
	s.status.LastExit = &Exit{Status: c.wait(), At: time.Now().UTC()}
	return s.stopped()
}

func (s *supervision) stopped() error {
	s.status.StoppedAt, s.status.NextStart = time.Now().UTC(), time.Time{}
	return s.directory.WriteStatus(s.status)
}
