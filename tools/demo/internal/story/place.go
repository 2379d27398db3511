package story

import (
	"context"
	"errors"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

// ErrUnavailable is in the error of a Place that cannot be had on this machine, which says what is missing.
var ErrUnavailable = errors.New("not to be had here")

// Say tells a person a line.
type Say func(format string, values ...any)

// Place is where the service of the story runs, and what splits its traffic.
type Place interface {
	// Example is the name of the configuration: its directory below examples.
	Example() string
	// Build makes the programs that the place needs beside the provider and the service. Where something is missing that it cannot make,
	// the error is ErrUnavailable.
	Build(ctx context.Context, w *workshop.Workshop, say Say) error
	// Start starts what has to be there before the first release. It lives until End, whatever happens to ctx: traffic flows while a
	// release is restored.
	Start(ctx context.Context, w *workshop.Workshop, say Say) (Started, error)
	// Strike makes one of the troubles that only the place knows how to make, and returns when it is made.
	Strike(ctx context.Context, t Trouble) (what string, err error)
	// End ends everything, also after a Start that failed. What is left of the service then, after its destroy, is an error.
	End(ctx context.Context) error
}

// Started is a place that is ready.
type Started struct {
	// URLs that users ask.
	URLs []string
	// Variables of the configuration, beside web_version, artifact and store.
	Variables map[string]any
	// Environment of the CLI, such as credentials, as "NAME=value".
	Environment []string
}
