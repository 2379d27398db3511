// Package prometheus runs a Prometheus server that scrapes instances on this machine.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// Config says what it scrapes, and where it listens.
type Config struct {
	// Binary is Prometheus's executable, Directory where its files go; both absolute.
	Binary    string
	Directory string
	// Port on loopback.
	Port int
	// Interval of the scrapes, in whole milliseconds.
	Interval time.Duration
	// Targets are ports on loopback, at which /metrics answers or nobody does.
	Targets []int
}

// URL is where its API answers.
func (c Config) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", c.Port) }

// Find finds the program on PATH.
func Find() (string, error) {
	path, err := exec.LookPath("prometheus")
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("find Prometheus: %w; install it with: sudo apt-get install --no-install-recommends prometheus", err)
	}
	return path, nil
}

// File is the configuration.
func (c Config) File() []byte {
	targets := make([]string, len(c.Targets))
	for i, port := range c.Targets {
		targets[i] = fmt.Sprintf("%q", fmt.Sprintf("127.0.0.1:%d", port))
	}
	// A scrape may not take longer than the time to the next.
	return fmt.Appendf(nil, "global:\n  scrape_interval: %[1]dms\n  scrape_timeout: %[1]dms\nscrape_configs:\n  - job_name: web\n    static_configs:\n      - targets: [%[2]s]\n",
		c.Interval.Milliseconds(), strings.Join(targets, ", "))
}

const (
	// startLimit bounds the wait until it is ready.
	startLimit = 30 * time.Second
	// stopLimit is how long it may take to end when the run does.
	stopLimit = 10 * time.Second
)

// Start starts the server, and returns when it is ready. output gets what it logs.
func Start(ctx context.Context, c Config, output io.Writer) (*process.Group, error) {
	path := filepath.Join(c.Directory, "prometheus.yml")
	if err := os.WriteFile(path, c.File(), 0o600); err != nil {
		return nil, fmt.Errorf("write Prometheus's configuration: %w", err)
	}
	server, err := process.Start(ctx, process.Command{
		Path: c.Binary, Directory: c.Directory, Environment: []string{"HOME=" + c.Directory}, Stdout: output, Stderr: output, Grace: stopLimit,
		Args: []string{
			"--config.file=" + path,
			"--storage.tsdb.path=" + filepath.Join(c.Directory, "data"),
			fmt.Sprintf("--web.listen-address=127.0.0.1:%d", c.Port),
			"--log.level=warn",
		},
	})
	if err != nil {
		return nil, err
	}
	if err := waitUntilReady(ctx, c, server); err != nil {
		return nil, errors.Join(err, server.Stop(stopLimit))
	}
	return server, nil
}

func waitUntilReady(ctx context.Context, c Config, server *process.Group) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := ask(ctx, c.URL()+"/-/ready")
		if err == nil {
			return nil
		}
		select {
		case <-server.Ended():
			return errors.New("start Prometheus: it ended at once; its log says why")
		case <-ctx.Done():
			return fmt.Errorf("wait %s for Prometheus: %w", startLimit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask Prometheus: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask Prometheus: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask Prometheus: %s answers %s", url, response.Status)
	}
	return nil
}
