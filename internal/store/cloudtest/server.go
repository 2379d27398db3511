// Package cloudtest runs real servers of the cloud stores' protocols for tests: versitygw for S3, fake-gcs-server for
// Google Cloud Storage, Azurite for Azure Blob Storage.
package cloudtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

const (
	startDeadline = 60 * time.Second
	stopDeadline  = 20 * time.Second
	pollInterval  = 20 * time.Millisecond
	// starts is how often another port is tried: somebody may take one before the server does.
	starts = 5
)

// run starts a server until the test ends, and returns its address. arguments gives its command line for a port of
// loopback and a directory of its own.
func run(t testing.TB, arguments func(port, directory string) []string) (address string) {
	t.Helper()
	var failures []error
	for range starts {
		directory, err := os.MkdirTemp("", "cloudtest") // removed after the server's end, below
		if err != nil {
			t.Fatal(err)
		}
		address := component.FreePorts(t, 1)[0]
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		err = start(t, address, directory, arguments(port, directory))
		if err == nil {
			return address
		}
		failures = append(failures, err)
	}
	t.Fatal(errors.Join(failures...))
	return ""
}

func start(t testing.TB, address, directory string, argv []string) error {
	output, err := os.Create(filepath.Join(directory, "output"))
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	command := exec.Command(argv[0], argv[1:]...) //nolint:noctx // ends with the test
	command.Dir, command.Stdout, command.Stderr = directory, output, output
	command.Env = []string{"HOME=" + directory, "TMPDIR=" + directory, "PATH=" + os.Getenv("PATH")}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // its output says why it ended
		close(ended)
	}()
	end := func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(stopDeadline):
			_ = command.Process.Kill()
			<-ended
		}
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	}
	if err := answers(address, ended); err != nil {
		text, _ := os.ReadFile(output.Name()) // only adds to the error
		end()
		return fmt.Errorf("start %s: %w\n%s", argv[0], err, bytes.TrimSpace(text))
	}
	t.Cleanup(end)
	return nil
}

// answers waits until an HTTP server answers, whatever it says.
func answers(address string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(pollInterval):
		}
	}
}
