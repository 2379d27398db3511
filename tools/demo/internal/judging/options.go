package judging

import (
	"errors"
	"io"
	"time"
)

// Options of the benchmark.
type Options struct {
	// Root of the repository.
	Root string
	// Settings that are measured, Runs of each, and Kills of the provider with the first of them.
	Settings    []Setting
	Runs, Kills int
	// History is how many requests the stable release answers well before the first run: the judge trusts it by its record.
	History int
	// Idle is how long the machine is measured doing nothing, and then serving the client alone.
	Idle time.Duration
	// Limit bounds the whole.
	Limit time.Duration
	// Out is where people read.
	Out io.Writer
}

// Validate finds what cannot be done.
func (o Options) Validate() error {
	switch {
	case len(o.Settings) == 0:
		return errors.New("-settings must name one at least")
	case o.Runs < 0 || o.Kills < 0 || o.Runs+o.Kills == 0:
		return errors.New("-runs and -kills must not be below 0, and not both be 0")
	case o.History < 0:
		return errors.New("-history must not be below 0")
	case o.Idle < 0:
		return errors.New("-idle must not be below 0")
	}
	return nil
}
