package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// bodyLimit bounds how much of a body is read and judged, in bytes; a larger one fails.
const bodyLimit = 10 << 20

// httpCheck sends requests and looks at the answers.
type httpCheck struct{ service.HTTPCheck }

func (c httpCheck) method() string {
	if c.Method == "" {
		return http.MethodGet
	}
	return c.Method
}

func (c httpCheck) persistence() persistence {
	return persistence{retries: c.Retries, passes: c.Passes, interval: c.Interval.D()}
}

func (c httpCheck) asked(t delivery.Target) string {
	if c.URL == "" {
		return fmt.Sprintf("%s %s of %s", c.method(), c.Path, ofWhom(t))
	}
	shown := c.URL
	if u, err := url.Parse(c.URL); err == nil {
		shown = u.Redacted()
	}
	return c.method() + " " + shown
}

func (c httpCheck) ask(ctx context.Context, t delivery.Target) outcome {
	rules, err := c.rules()
	if err != nil {
		return failed("%v", err)
	}
	if c.URL != "" {
		return everywhere(1, func(int) answer {
			client, end := freshClient(&http.Transport{Proxy: http.ProxyFromEnvironment})
			defer end()
			return c.persistence().ask(ctx, func(ctx context.Context) answer { return c.once(ctx, client, rules, c.URL, "") })
		})
	}
	all, err := instances(t)
	if err != nil {
		return failed("%v", err)
	}
	return everywhere(len(all), func(i int) answer {
		client, end := freshClient(&http.Transport{DialContext: dialer(t, all[i])})
		defer end()
		return c.persistence().ask(ctx, func(ctx context.Context) answer {
			return c.once(ctx, client, rules, "http://"+all[i].Address+c.Path, all[i].Name+" ")
		})
	})
}

// freshClient has no connection that another check has opened, and none that stays. The status is judged as it comes.
func freshClient(transport *http.Transport) (*http.Client, func()) {
	transport.DisableKeepAlives = true
	return &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, transport.CloseIdleConnections
}

// once sends one request. who, with a space behind it, begins the sentence.
func (c httpCheck) once(ctx context.Context, client *http.Client, rules httpRules, address, who string) answer {
	timed, cancel := context.WithTimeout(ctx, c.Timeout.D())
	defer cancel()
	request, err := http.NewRequestWithContext(timed, c.method(), address, strings.NewReader(c.Body))
	if err != nil {
		return answer{said: fmt.Sprintf("%scannot be asked: %v", who, err)}
	}
	for name, value := range c.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	started := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return answer{said: fmt.Sprintf("%sdid not answer: %s", who, c.reason(ctx, timed, err))}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit+1))
	took := time.Since(started)
	said := fmt.Sprintf("%sanswered %s in %s", who, response.Status, took.Round(100*time.Microsecond))
	shown := exchange(who, response, body)
	switch {
	case err != nil:
		return answer{said: fmt.Sprintf("%s, but its body broke off: %s", said, c.reason(ctx, timed, err)), excerpt: shown}
	case len(body) > bodyLimit:
		return answer{said: fmt.Sprintf("%s with a body of more than %d bytes", said, bodyLimit), excerpt: shown}
	}
	if complaints := rules.complaints(ctx, response, body, took); len(complaints) > 0 {
		return answer{said: said + ", but " + strings.Join(complaints, ", "), excerpt: shown}
	}
	return answer{ok: true, said: said}
}

// reason says why there is no answer, without repeating the URL.
func (c httpCheck) reason(ctx, timed context.Context, err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case ctx.Err() != nil:
		return "interrupted: " + ctx.Err().Error()
	case timed.Err() != nil:
		return fmt.Sprintf("it took longer than %s", c.Timeout)
	}
	return err.Error()
}

// exchange is an answer as evidence: status line, headers and the beginning of the body.
func exchange(who string, response *http.Response, body []byte) string {
	var b strings.Builder
	if who != "" {
		fmt.Fprintf(&b, "%s:\n", strings.TrimSpace(who))
	}
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		head = []byte(response.Status + "\n\n")
	}
	b.Write(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")))
	b.WriteString(excerpt(body))
	return b.String()
}
