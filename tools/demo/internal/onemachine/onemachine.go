// Package onemachine is the place of the story that needs nothing: processes of this machine, behind a Caddy of its own.
package onemachine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/router"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/story"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

const (
	caddyBinary = "caddy"
	// leavingLimit is how long Caddy may take to end.
	leavingLimit = 5 * time.Second
)

// Place is this machine.
type Place struct {
	caddy *process.Group
}

var _ story.Place = (*Place)(nil)

// Example is examples/demo.
func (p *Place) Example() string { return "demo" }

// Build builds Caddy.
func (p *Place) Build(ctx context.Context, w *workshop.Workshop, say story.Say) error {
	say("building Caddy")
	_, err := w.Build(ctx, caddyBinary, "tools/demo", "./cmd/caddy")
	return err
}

// Start starts Caddy.
func (p *Place) Start(ctx context.Context, w *workshop.Workshop, say story.Say) (story.Started, error) {
	paths := map[string]string{}
	for _, name := range []string{"router", "host", "logs"} {
		path, err := w.Make(name)
		if err != nil {
			return story.Started{}, err
		}
		paths[name] = path
	}
	ports, err := freeport.Find("127.0.0.1", 4)
	if err != nil {
		return story.Started{}, err
	}
	c := router.Config{
		Binary: filepath.Join(w.Bin(), caddyBinary), Directory: paths["router"],
		Port: ports[0], AdminPort: ports[1], Blue: ports[2], Green: ports[3],
	}
	if err := p.start(ctx, c, filepath.Join(paths["logs"], "caddy.log")); err != nil {
		return story.Started{}, err
	}
	say("Caddy listens on %s", c.URL())
	return story.Started{
		URLs: []string{c.URL()},
		Variables: map[string]any{
			"directory":  paths["host"],
			"share_file": c.ShareFile(),
			"admin":      c.AdminURL(),
			"ports":      map[string]int{"router": c.Port, "blue": c.Blue, "green": c.Green},
		},
	}, nil
}

func (p *Place) start(ctx context.Context, c router.Config, logPath string) error {
	log, err := os.Create(logPath) //nolint:gosec // the demo's own file
	if err != nil {
		return fmt.Errorf("make Caddy's log: %w", err)
	}
	// Caddy has the file open by itself from its start on.
	defer func() { _ = log.Close() }()
	if p.caddy, err = router.Start(context.WithoutCancel(ctx), c, log); err != nil {
		return fmt.Errorf("%w (%s)", err, log.Name())
	}
	return nil
}

// Strike knows no trouble.
func (p *Place) Strike(_ context.Context, t story.Trouble) (string, error) {
	return "", fmt.Errorf("nothing here makes this trouble: %s", t)
}

// End ends Caddy.
func (p *Place) End(context.Context) error {
	if p.caddy == nil {
		return nil
	}
	return p.caddy.Stop(leavingLimit)
}
