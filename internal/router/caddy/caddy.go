// Package caddy splits traffic with a stock Caddy, without ever loading a configuration, since each load loses
// requests. Caddy reads the share of slot green from a file for each request; this package replaces that file. Caddy's
// admin API is only read: that the running configuration has the split, and the requests in flight of each upstream.
package caddy

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/bluegreen"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The slots. The share file holds the share of green.
const (
	blue  = bluegreen.Blue
	green = bluegreen.Green
)

const (
	defaultAdmin        = "http://localhost:2019"
	defaultDrainTimeout = 30 * time.Second
)

// Router is a stock Caddy that reads a share file. It is safe for concurrent use; two writers at once leave the weights
// of one of them, whole.
type Router struct {
	file         shareFile
	admin        *adminAPI
	drainTimeout time.Duration
}

// Option changes how a router is made.
type Option func(*Router)

// WithHTTPClient asks the admin API through client, which then has to reach a Unix socket by itself.
func WithHTTPClient(client *http.Client) Option {
	return func(r *Router) { r.admin.client = client }
}

// New returns the router of d between slots, which must be blue and green. It asks nobody and touches no file.
func New(d service.CaddyRouter, slots []string, options ...Option) (*Router, error) {
	if err := bluegreen.Usable(Validate(d, slots)); err != nil {
		return nil, fmt.Errorf("use Caddy as the router: %w", err)
	}
	admin := d.Admin
	if admin == "" {
		admin = defaultAdmin
	}
	api, err := newAdminAPI(admin)
	if err != nil {
		return nil, fmt.Errorf("use Caddy as the router: %w", err)
	}
	r := &Router{file: shareFile(d.ShareFile), admin: api, drainTimeout: d.DrainTimeout.D()}
	if r.drainTimeout == 0 {
		r.drainTimeout = defaultDrainTimeout
	}
	for _, option := range options {
		option(r)
	}
	return r, nil
}

// Weights reads the split from the share file: whole percent by slot, together 100. A share between two whole percents
// reads as the nearer one, and one that is not 0 as 1 at least. Without a file blue has all, as in Caddy, whose placeholder is then empty. An error names
// the file.
func (r *Router) Weights(ctx context.Context) (map[string]int, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the weights from %s: %w", r.file, err)
	}
	share, err := r.file.read()
	if err != nil {
		return nil, fmt.Errorf("read the weights: %w", err)
	}
	return map[string]int{blue: 100 - share, green: share}, nil
}

// SetWeights replaces the share file and reads it back. Requests that begin after it returned are split by the new weights. Where
// the slots are is in Caddy's own configuration.
func (r *Router) SetWeights(ctx context.Context, split delivery.Split) error {
	weights := split.Weights
	if err := bluegreen.CheckWeights(weights); err != nil {
		return fmt.Errorf("set the weights %v: %w", weights, err)
	}
	share := weights[green]
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("set the weights %v in %s: %w", weights, r.file, err)
	}
	if err := r.file.write(ctx, share); err != nil {
		return fmt.Errorf("set the weights %v: %w", weights, err)
	}
	got, err := r.file.read()
	if err != nil {
		return fmt.Errorf("read the weights %v back: %w", weights, err)
	}
	if got != share {
		return fmt.Errorf("set the weights %v: %s gives green %d %% when it is read back: something else writes it", weights, r.file, got)
	}
	return nil
}

// Warnings are none: the share file outlives whatever becomes of Caddy.
func (r *Router) Warnings(context.Context) ([]string, error) { return nil, nil }
