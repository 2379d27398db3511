// Package prometheustest runs a real Prometheus for tests.
package prometheustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

const (
	startDeadline  = time.Minute
	stopDeadline   = 30 * time.Second
	settleDeadline = time.Minute
	pollInterval   = 20 * time.Millisecond
	// starts is how often another port is tried: somebody may take one before Prometheus does.
	starts = 5
	// tolerance is by how much Prometheus moves the time of a scrape, so that they lie evenly: it is less than this.
	tolerance = 10 * time.Millisecond
)

// Server is a Prometheus process of a test, on loopback.
type Server struct {
	URL string
	api v1.API
}

// Start runs a Prometheus that scrapes targets (host:port, job "web") every interval, and ends with the test. Where the program is missing
// it fails the test when CI is true, and skips it otherwise.
func Start(t testing.TB, interval time.Duration, targets ...string) *Server {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		component.Missing(t, "prometheus is missing: apt-get install prometheus")
	}
	directory := t.TempDir()
	for try := 1; ; try++ {
		s, err := start(t, binary, directory, interval, targets)
		if err == nil {
			return s
		}
		if try == starts {
			t.Fatal(err)
		}
	}
}

func start(t testing.TB, binary, directory string, interval time.Duration, targets []string) (*Server, error) {
	t.Helper()
	address := component.FreePorts(t, 1)[0]
	config := filepath.Join(directory, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: %dms, scrape_timeout: %dms}\nscrape_configs:\n- job_name: web\n  static_configs: [{targets: [%s]}]\n",
		interval.Milliseconds(), interval.Milliseconds(), quoted(targets))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log := &bytes.Buffer{}
	command := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(directory, "data"), //nolint:gosec,noctx // ends with the test
		"--web.listen-address="+address, "--log.level=warn")
	command.Dir, command.Env, command.Stdout, command.Stderr = directory, []string{"HOME=" + directory}, log, log
	process, err := component.Run(command)
	if err != nil {
		return nil, err
	}
	stop := func() {
		if err := process.Stop(stopDeadline); err != nil {
			t.Error(err)
		}
	}
	client, err := api.NewClient(api.Config{Address: "http://" + address})
	if err == nil {
		err = ready(t.Context(), "http://"+address, process.Ended())
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	t.Cleanup(stop)
	return &Server{URL: "http://" + address, api: v1.NewAPI(client)}, nil
}

func quoted(targets []string) string {
	all := make([]string, len(targets))
	for i, target := range targets {
		all[i] = "'" + target + "'"
	}
	return strings.Join(all, ", ")
}

func ready(ctx context.Context, url string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		err := ask(ctx, url+"/-/ready")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("Prometheus ended while it started") //nolint:staticcheck // its name
		case <-ctx.Done():
			return fmt.Errorf("Prometheus does not become ready: %w", err) //nolint:staticcheck // its name
		case <-time.After(pollInterval):
		}
	}
}

func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// Settle waits until all these targets were scraped, with success or without, after now.
func (s *Server) Settle(t testing.TB, targets ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleDeadline)
	defer cancel()
	wanted := float64(time.Now().Add(tolerance).UnixNano()) / 1e9
	for {
		value, _, _, err := s.api.Query(ctx, "timestamp(up)", time.Time{})
		scraped := 0
		vector, _ := value.(model.Vector)
		for _, sample := range vector {
			if slices.Contains(targets, string(sample.Metric["instance"])) && float64(sample.Value) > wanted {
				scraped++
			}
		}
		if err == nil && scraped == len(targets) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d targets were scraped (%v)", scraped, len(targets), err)
		case <-time.After(pollInterval):
		}
	}
}
