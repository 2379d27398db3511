package transfer

import (
	"context"
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// examinations are those of artifacts that this process looked through already: one artifact goes to many machines.
type examinations struct {
	// turn is held by the one who looks through an artifact.
	turn  chan struct{}
	known map[examined]artifact.Contents
}

// examined is an artifact, by its file as far as a look at it tells, and what was asked about it.
type examined struct {
	path, digest, head string
	size, modified     int64
	limits             artifact.Limits
}

var known = examinations{turn: make(chan struct{}, 1), known: map[examined]artifact.Contents{}}

// of looks an artifact through, once as long as its file does not change; see artifact.Examine.
func (e *examinations) of(ctx context.Context, path, digest, head string, limits artifact.Limits) (artifact.Contents, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return artifact.Contents{}, context.Cause(ctx)
	}
	info, err := os.Stat(path)
	if err != nil {
		return artifact.Contents{}, err
	}
	key := examined{path: path, digest: digest, head: head, size: info.Size(), modified: info.ModTime().UnixNano(), limits: limits}
	if contents, found := e.known[key]; found {
		return contents, nil
	}
	contents, err := artifact.Examine(ctx, path, digest, head, limits)
	if err == nil {
		e.known[key] = contents
	}
	return contents, err
}
