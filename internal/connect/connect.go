// Package connect builds adapters from a service's definition and the named credentials. It is the one place that
// knows them all: a new platform, router, metric source, check or backup is one package and one line here.
package connect

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/backup"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/check"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/notify"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// SuperviseArgument makes the provider's binary supervise an instance; main dispatches it.
const SuperviseArgument = "supervise"

// Options of a connector.
type Options struct {
	// Credentials by name; the environment stands behind them (credentials.go).
	Credentials map[string]string
	// Store that keeps the checkpoints' data; Directory is where it lies on this machine's disk, absolute, and empty
	// where it does not.
	Store     store.Store
	Directory string
}

// Connector implements delivery.Connector.
type Connector struct {
	options     Options
	connections *secureshell.Connections
}

// New makes a connector.
func New(options Options) *Connector {
	return &Connector{options: options, connections: secureshell.New(credentials(options.Credentials), secureshell.Options{})}
}

var _ delivery.Connector = (*Connector)(nil)

// Close ends the connections to machines, and with them what runs over them: it is for after the run's end. Adapters reach no machine by SSH from
// then on.
func (c *Connector) Close() error { return c.connections.Close() }

// Adapters of a service.
func (c *Connector) Adapters(d service.Definition) (delivery.Adapters, error) {
	var a delivery.Adapters
	var err error
	if a.Platform, err = c.platform(d); err != nil {
		return a, fmt.Errorf("platform: %w", err)
	}
	if a.Router, err = c.router(d, a.Platform.Slots()); err != nil {
		return a, err
	}
	if a.Metrics, err = c.metrics(d, a.Platform); err != nil {
		return a, fmt.Errorf("metrics: %w", err)
	}
	a.Notifiers = make(map[string]delivery.Notifier, len(d.Notify))
	for name, n := range d.Notify {
		if a.Notifiers[name], err = notify.New(name, n, c.Credentials()); err != nil {
			return a, fmt.Errorf("notify %s: %w", name, err)
		}
	}
	return a, nil
}

// Checker of one check.
func (c *Connector) Checker(name string, definition service.Check) (delivery.Checker, error) {
	return check.New(name, definition)
}

// RunAll runs checks side by side.
func (c *Connector) RunAll(ctx context.Context, checkers map[string]delivery.Checker, t delivery.Target) []service.CheckResult {
	return check.RunAll(ctx, checkers, t)
}

// Backup of one backup's definition.
func (c *Connector) Backup(name string, definition service.Backup) (delivery.Backup, error) {
	b, err := backup.New(name, definition, c.Credentials())
	if err != nil || c.options.Directory != "" {
		return b, err
	}
	return backup.Kept(b, c.options.Store), nil
}

// BackupPlace is a directory where the store is one, else the key of an archive in the store.
func (c *Connector) BackupPlace(id service.ID, attempt int, name string) string {
	key := path.Join(string(id), "backups", fmt.Sprintf("%04d", attempt), name)
	if c.options.Directory != "" {
		return filepath.Join(c.options.Directory, filepath.FromSlash(key))
	}
	return key + ".tar"
}

// DeleteBackup removes what is at a backup's place.
func (c *Connector) DeleteBackup(ctx context.Context, place string) error {
	if c.options.Directory != "" {
		return os.RemoveAll(place)
	}
	return c.options.Store.Delete(ctx, place)
}
