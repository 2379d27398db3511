// Package router runs the Caddy of the demo: stock Caddy, whose configuration is loaded once and never again. The
// split of the traffic is in a share file, which the provider writes and Caddy reads for each request.
package router

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

//go:embed Caddyfile.tmpl
var caddyfile string

// Config says where the router listens and where it sends what.
type Config struct {
	// Binary is Caddy's executable, Directory where its files go; both absolute.
	Binary    string
	Directory string
	// Port of the service's users, AdminPort of Caddy's admin API, Blue and Green of the slots; all on loopback.
	Port, AdminPort, Blue, Green int
}

// ShareFile holds the share of slot green.
func (c Config) ShareFile() string { return filepath.Join(c.Directory, "web.share") }

// URL is where users find the service.
func (c Config) URL() string { return fmt.Sprintf("http://127.0.0.1:%d/", c.Port) }

// AdminURL is where Caddy's admin API answers.
func (c Config) AdminURL() string { return fmt.Sprintf("http://127.0.0.1:%d", c.AdminPort) }

// Caddyfile is the configuration.
func (c Config) Caddyfile() ([]byte, error) {
	parsed, err := template.New("Caddyfile").Parse(caddyfile)
	if err != nil {
		return nil, fmt.Errorf("read the template of the Caddyfile: %w", err)
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, c); err != nil {
		return nil, fmt.Errorf("write the Caddyfile: %w", err)
	}
	return text.Bytes(), nil
}

// startLimit bounds the wait for Caddy to answer.
const startLimit = 20 * time.Second

// Start starts Caddy with no traffic for green, and returns when its admin API answers. output gets what it logs.
func Start(ctx context.Context, c Config, output io.Writer) (*process.Group, error) {
	text, err := c.Caddyfile()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Directory, "Caddyfile")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("write the Caddyfile: %w", err)
	}
	if err := os.WriteFile(c.ShareFile(), []byte("0000"), 0o600); err != nil {
		return nil, fmt.Errorf("write the share file: %w", err)
	}
	caddy, err := process.Start(ctx, process.Command{
		Path: c.Binary, Args: []string{"run", "--config", path, "--adapter", "caddyfile"}, Directory: c.Directory,
		// Its own data stays in the demo's directory.
		Environment: []string{"HOME=" + c.Directory, "XDG_DATA_HOME=" + c.Directory, "XDG_CONFIG_HOME=" + c.Directory},
		Stdout:      output, Stderr: output, Grace: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	if err := waitForAdmin(ctx, c, caddy); err != nil {
		_ = caddy.Stop(5 * time.Second) // what went wrong before matters
		return nil, err
	}
	return caddy, nil
}

func waitForAdmin(ctx context.Context, c Config, caddy *process.Group) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := askAdmin(ctx, c)
		if err == nil {
			return nil
		}
		select {
		case <-caddy.Ended():
			return fmt.Errorf("start Caddy: it ended at once; its log says why")
		case <-ctx.Done():
			return fmt.Errorf("wait %s for Caddy's admin API: %w", startLimit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func askAdmin(ctx context.Context, c Config) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.AdminURL()+"/config/", nil)
	if err != nil {
		return fmt.Errorf("ask Caddy's admin API: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask Caddy's admin API: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask Caddy's admin API: it answers %s", response.Status)
	}
	return nil
}
