package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultProbeTimeout = 5 * time.Second
	// excerptLimit bounds what an error shows of an answer's body, in bytes.
	excerptLimit = 300
)

// Probe implements delivery.Platform. An answer counts only if it is the instance that listens.
func (h *Host) Probe(ctx context.Context, i service.Instance, health service.Health) error {
	timeout := health.Timeout.D()
	if timeout <= 0 {
		timeout = defaultProbeTimeout
	}
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := ask(timed, i, health)
	switch {
	case err != nil && ctx.Err() == nil && timed.Err() != nil:
		return fmt.Errorf("%s did not answer within %s", i.Address, timeout)
	case err != nil:
		return err
	}
	return h.isListener(i)
}

func ask(ctx context.Context, i service.Instance, health service.Health) error {
	if health.HTTP != nil {
		return askHTTP(ctx, i, *health.HTTP)
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", i.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return connection.Close()
}

func askHTTP(ctx context.Context, i service.Instance, probe service.HTTPProbe) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.Address+"/"+strings.TrimPrefix(probe.Path, "/"), nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", probe.Path, err)
	}
	for name, value := range probe.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	// A connection of its own, straight to the instance.
	transport := &http.Transport{DisableKeepAlives: true, Proxy: nil}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("GET %s: %w", probe.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if healthy(probe, response.StatusCode) {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, excerptLimit)) // The status has decided already.
	answer := fmt.Sprintf("GET %s: %s", probe.Path, response.Status)
	if location := response.Header.Get("Location"); location != "" {
		answer += " to " + location
	}
	if text := strings.TrimSpace(string(body)); text != "" {
		answer += fmt.Sprintf(", %q", text)
	}
	return errors.New(answer)
}

func healthy(probe service.HTTPProbe, status int) bool {
	if len(probe.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(probe.Status, status)
}

// isListener sees to it that what answered is the instance, and no other program on its port.
func (h *Host) isListener(i service.Instance) error {
	path, err := layout(h.definition.Directory).instance(i.Name)
	if err != nil {
		return err
	}
	status, _, err := supervisor.Directory(path).ReadStatus()
	if err != nil {
		return err
	}
	found, err := listenersOf(i, status)
	switch {
	case err != nil:
		return err
	case found.others != "":
		return fmt.Errorf("%s was answered by another program: %s", i.Address, found.others)
	case !found.own:
		return fmt.Errorf("%s was answered, but not by this instance, which does not listen there", i.Address)
	}
	return nil
}
