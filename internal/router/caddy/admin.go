package caddy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	adminTimeout = 5 * time.Second
	// cutOffPause is between two tries where a connection was cut off.
	cutOffPause = 50 * time.Millisecond
	// adminLimit bounds an answer in bytes.
	adminLimit = 64 << 20
	unixPrefix = "unix/"
)

// adminAPI is Caddy's admin API, of which only GET is used.
type adminAPI struct {
	// address as the user knows it, base as requests are sent to.
	address, base string
	client        *http.Client
}

// newAdminAPI takes http://host:port, or unix//path as Caddy writes the path of a socket. The error says what is wrong
// with the address.
func newAdminAPI(address string) (*adminAPI, error) {
	// Few requests, and a reload of Caddy replaces the server behind them: a connection each is the simplest that works.
	transport := &http.Transport{DisableKeepAlives: true}
	api := &adminAPI{address: address, base: strings.TrimSuffix(address, "/"), client: &http.Client{Transport: transport}}
	if socket, ok := strings.CutPrefix(address, unixPrefix); ok {
		if !strings.HasPrefix(socket, "/") || socket == "/" {
			return nil, fmt.Errorf("%q names no socket: write unix//run/caddy/admin.sock, with the absolute path after unix/", address)
		}
		api.base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		return api, nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" || u.Hostname() == "":
		return nil, fmt.Errorf("%q is not the address of an admin API: write http://localhost:2019 or unix//run/caddy/admin.sock", address)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("%q has more than a host and a port: write http://localhost:2019", address)
	}
	return api, nil
}

// get reads the JSON at path into v. A reload of Caddy closes the socket that the admin API listens on beside opening
// the next one, and resets the connections that the old one had not yet taken: such a connection is made again.
func (a *adminAPI) get(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	body, err := a.read(ctx, path)
	for cutOff(err) {
		select {
		case <-ctx.Done():
			return err
		case <-time.After(cutOffPause):
		}
		body, err = a.read(ctx, path)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("read the answer of Caddy's admin API at %s for %s: %w", a.address, path, err)
	}
	return nil
}

// cutOff tells whether err is a connection that was taken and ended without a whole answer.
func cutOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// read asks once for path and returns the body of a good answer.
func (a *adminAPI) read(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask Caddy's admin API at %s for %s: %w", a.address, path, err)
	}
	response, err := a.client.Do(request)
	if err != nil {
		var shorter *url.Error // its text repeats the URL
		if errors.As(err, &shorter) {
			err = shorter.Err
		}
		return nil, fmt.Errorf("Caddy's admin API at %s is not reachable (%w): is Caddy running, and is this its admin address?", a.address, err) //nolint:staticcheck // a name
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, adminLimit))
	if err != nil {
		return nil, fmt.Errorf("read the answer of Caddy's admin API at %s for %s: %w", a.address, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask Caddy's admin API at %s for %s: it answers %s: %s",
			a.address, path, response.Status, excerpt(strings.TrimSpace(string(body))))
	}
	return body, nil
}

// inFlight counts the requests in flight to addresses.
func (a *adminAPI) inFlight(ctx context.Context, addresses []string) (int, error) {
	var upstreams []struct {
		Address     string `json:"address"`
		NumRequests int    `json:"num_requests"`
	}
	if err := a.get(ctx, "/reverse_proxy/upstreams", &upstreams); err != nil {
		return 0, err
	}
	wanted := map[string]bool{}
	for _, address := range addresses {
		wanted[normal(address)] = true
	}
	sum := 0
	for _, u := range upstreams {
		if wanted[normal(u.Address)] {
			sum += u.NumRequests
		}
	}
	return sum, nil
}

// excerpt is the beginning of a text, for an error.
func excerpt(text string) string {
	const limit = 32
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}
