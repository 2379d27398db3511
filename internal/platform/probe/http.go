// Package probe asks an instance whether it is healthy, for every platform in the same way.
package probe

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

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// DefaultTimeout is how long an answer may take where a service's health says nothing.
const DefaultTimeout = 5 * time.Second

// excerptLimit bounds what an error shows of an answer's body, in bytes.
const excerptLimit = 300

// Dial opens a connection to an instance, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// HTTP asks the instance at address ("127.0.0.1:8080") once, over a connection of its own that dial opens: through no proxy, following no
// redirect. It returns nil where the answer has a status that p takes for healthy (2xx where it names none); else an error that says what
// was asked and what came of it, with the beginning of the body. ctx bounds all of it.
func HTTP(ctx context.Context, dial Dial, address string, p service.HTTPProbe) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/"+strings.TrimPrefix(p.Path, "/"), nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", p.Path, err)
	}
	for name, value := range p.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true, Proxy: nil, DialContext: dial}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("GET %s: %w", p.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if healthy(p, response.StatusCode) {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, excerptLimit)) // The status has decided already.
	answer := fmt.Sprintf("GET %s: %s", p.Path, response.Status)
	if location := response.Header.Get("Location"); location != "" {
		answer += " to " + location
	}
	if text := strings.TrimSpace(string(body)); text != "" {
		answer += fmt.Sprintf(", %q", text)
	}
	return errors.New(answer)
}

func healthy(p service.HTTPProbe, status int) bool {
	if len(p.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(p.Status, status)
}
