package artifact

import (
	"context"
	"os"
	slashpath "path"
)

// examinations are those of artifacts that this process looked through already: one artifact goes to many machines, and is planned before.
type examinations struct {
	// turn is held by the one who looks through an artifact.
	turn  chan struct{}
	known map[question]Contents
}

// question is an artifact, by its file as far as a look at it tells, and what was asked about it.
type question struct {
	path, digest, program string
	size, modified        int64
	limits                Limits
}

var known = examinations{turn: make(chan struct{}, 1), known: map[question]Contents{}}

// Examined is what Examine says, which looks an artifact through once in a process as long as its file does not change.
func Examined(ctx context.Context, path, want, program string, limits Limits) (Contents, error) {
	return known.of(ctx, path, want, program, limits)
}

func (e *examinations) of(ctx context.Context, path, want, program string, limits Limits) (Contents, error) {
	if program != "" {
		program = slashpath.Clean(program)
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return Contents{}, context.Cause(ctx)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Contents{}, err
	}
	asked := question{path: path, digest: want, program: program, size: info.Size(), modified: info.ModTime().UnixNano(), limits: limits.orDefault()}
	if contents, found := e.known[asked]; found {
		return contents, nil
	}
	contents, err := Examine(ctx, path, want, program, limits)
	if err == nil {
		e.known[asked] = contents
	}
	return contents, err
}
