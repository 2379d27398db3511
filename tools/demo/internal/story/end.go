package story

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// EndLimit is enough for everything that comes after the story: what was under way is interrupted, what stands is destroyed.
const EndLimit = 10 * time.Minute

const (
	// destroyLimit bounds the destroy at the end.
	destroyLimit = 3 * time.Minute
	// leavingLimit is how long processes that were told to end may take.
	leavingLimit = 5 * time.Second
)

// end takes everything down, as a person would, and makes sure that nothing is left. What still runs then is an error,
// and is ended all the same.
func (d *Demo) end(ctx context.Context) error {
	if d.client != nil {
		d.client.Stop()
	}
	var errs []error
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	errs = append(errs, d.destroy(ctx))
	errs = append(errs, d.place.End(ctx))
	return errors.Join(append(errs, d.workshop.Sweep(leavingLimit, d.say))...)
}

// destroy takes the release down with the CLI, if there is a state that it may stand in.
func (d *Demo) destroy(ctx context.Context) error {
	if d.cli.Directory == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(d.cli.Directory, "terraform.tfstate")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, destroyLimit)
	defer cancel()
	last := "-var=web_version=" + d.standing
	d.say("\n── the end: deletion_protection = false, then destroy")
	// Protection is a fact of the state: it must be lifted before a destroy is planned.
	if _, err := d.cli.Must(ctx, "apply", "-no-color", "-auto-approve", last, "-var=deletion_protection=false"); err != nil {
		return err
	}
	_, err := d.cli.Must(ctx, "destroy", "-no-color", "-auto-approve", last, "-var=deletion_protection=false")
	return err
}
