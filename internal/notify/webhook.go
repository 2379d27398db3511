package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// answerLimit bounds how much of an answer is read, in bytes.
const answerLimit = 4 << 10

// pace is how persistent one Send is.
type pace struct {
	// tries at most, each of at most timeout.
	tries   int
	timeout time.Duration
	// The wait after a try doubles from firstWait to longestWait, which also bounds what a Retry-After may ask for.
	firstWait, longestWait time.Duration
}

// usualPace takes at most some 50 seconds.
var usualPace = pace{tries: 4, timeout: 10 * time.Second, firstWait: 500 * time.Millisecond, longestWait: 5 * time.Second}

// Webhook posts messages as JSON. It is safe for concurrent use.
type Webhook struct {
	name string
	// url is a plain one, or the name of a credential.
	url         string
	on          []string
	credentials delivery.Credentials
	pace        pace
}

// PermanentError says that the receiver refused a message in a way that another try does not change.
type PermanentError struct {
	// Status is the HTTP status of the answer.
	Status int
	detail string
}

// Error implements error.
func (e *PermanentError) Error() string { return e.detail }

// Permanent tells callers that do not know this package to give up.
func (e *PermanentError) Permanent() bool { return true }

// Send implements delivery.Notifier: it posts the message, again where that may help, and returns nil for any status from
// 200 to 299. A *PermanentError (in the chain) means that sending again is of no use. A message of an event that is not
// wanted is not sent, and no error. Errors never hold a URL that came from a credential.
func (w *Webhook) Send(ctx context.Context, message service.Message) error {
	if len(w.on) > 0 && !slices.Contains(w.on, message.Event) {
		return nil
	}
	if err := w.send(ctx, message); err != nil {
		return fmt.Errorf("notify %q of %q: %w", w.name, message.Event, err)
	}
	return nil
}

func (w *Webhook) send(ctx context.Context, message service.Message) error {
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	address, hidden, err := w.address()
	if err != nil {
		return err
	}
	// A client of its own: no connection stays when it was sent.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport,
		Timeout:   w.pace.timeout,
		// A redirect would turn the POST into a GET, or carry the message to a place that nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	wait := w.pace.firstWait
	for try := 1; ; try++ {
		retryAfter, err := post(ctx, client, address, message.ID, body, hidden)
		var permanent *PermanentError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &permanent):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted at try %d: %w (%w)", try, err, ctx.Err())
		case try >= w.pace.tries:
			return fmt.Errorf("given up after %d tries: %w", try, err)
		}
		// Up to a quarter more, so that many that failed together do not come back together.
		pause := min(max(wait, retryAfter), w.pace.longestWait)
		pause += time.Duration(rand.Int64N(int64(pause)/4 + 1)) //nolint:gosec // no secret hangs on it
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("interrupted after %d tries: %w (%w)", try, err, ctx.Err())
		}
		wait *= 2
	}
}

// address returns where to send to, and how to take it out of texts where it is a secret.
func (w *Webhook) address() (address string, hidden func(string) string, err error) {
	if plain(w.url) {
		return w.url, func(s string) string { return s }, nil
	}
	value, err := w.credentials.Lookup(w.url)
	if err != nil {
		return "", nil, fmt.Errorf("look up credential %q: %w", w.url, err)
	}
	u, err := parse(value)
	if err != nil {
		return "", nil, fmt.Errorf("credential %q: %w", w.url, err)
	}
	return u.String(), hide(value, u), nil
}

// hide takes a URL and its telling parts out of texts: errors of the network name hosts, answers may repeat paths.
func hide(raw string, u *url.URL) func(string) string {
	parts := []string{raw, strings.TrimSpace(raw), u.String(), u.Redacted(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery, u.Host, u.Hostname()}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.String(), password, u.User.Username())
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		parts = append(parts, part)
	}
	// A part of a letter or two tells nothing, and would leave nothing of the text.
	const least = 3
	parts = slices.DeleteFunc(parts, func(s string) bool { return len(s) < least })
	return scrub.Of(parts...).Text
}

// post sends once. retryAfter is what the answer asks for, 0 for nothing.
func post(ctx context.Context, client *http.Client, address, id string, body []byte, hidden func(string) string) (retryAfter time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New(hidden(fmt.Sprintf("make the request: %v", err)))
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "terraform-provider-deploy")
	request.Header.Set("Idempotency-Key", id)
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		// Its text alone: what it wraps may hold the URL.
		return 0, errors.New(hidden(fmt.Sprintf("post: %v", err)))
	}
	defer func() { _ = response.Body.Close() }()
	// What the answer says is for people; that it cannot be read changes nothing.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	detail := hidden("the receiver answered "+response.Status) + said(hidden(string(answer)))
	status := response.StatusCode
	switch {
	case status >= 200 && status <= 299:
		return 0, nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
		if err == nil {
			retryAfter = time.Duration(seconds) * time.Second //nolint:gosec // sixteen bits
		}
		return retryAfter, errors.New(detail)
	}
	return 0, &PermanentError{Status: status, detail: detail}
}

// said is the beginning of an answer in one line. It is cut after secrets were taken out: not through one.
func said(answer string) string {
	const limit = 200
	text := strings.Join(strings.Fields(scrub.Printable(answer)), " ")
	if text == "" {
		return ""
	}
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return ": " + text
}
