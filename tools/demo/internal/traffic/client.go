package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

const (
	// Timeout of one request.
	Timeout = 5 * time.Second
	// freshEvery is what NewClient chooses: every fourth request comes on a fresh connection, the others on ones that are kept alive.
	freshEvery = 4
)

// Client sends GET requests to the URLs that one service has.
type Client struct {
	// FreshEvery is how many requests there are for each one that comes on a fresh connection; 0: all come on ones that are kept
	// alive.
	FreshEvery int

	urls         []string
	kept, single *http.Client
}

// NewClient makes a client for urls, which have the same share of the requests each, of those on fresh connections too.
func NewClient(urls ...string) *Client {
	return &Client{
		FreshEvery: freshEvery,

		urls:   urls,
		kept:   &http.Client{Timeout: Timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		single: &http.Client{Timeout: Timeout, Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

// Run sends rate requests a second, whether or not earlier ones were answered, and gives each outcome to keep, until
// ctx ends; then it waits for the answers that are still due. keep is called from many goroutines. Requests that fell due while the
// machine gave this process no time are sent at once when it does, so that the rate holds.
func (c *Client) Run(ctx context.Context, rate int, keep func(Record)) {
	defer c.kept.CloseIdleConnections()
	period := time.Second / time.Duration(rate)
	tick := time.NewTicker(period)
	defer tick.Stop()
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	// The end of the run must not cut off what was sent: that would count as lost.
	sending := context.WithoutCancel(ctx)
	began := time.Now()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for due := int(time.Since(began) / period); n < due; n++ {
			fresh := c.FreshEvery > 0 && n%c.FreshEvery == 0
			url := c.urlOf(n)
			inFlight.Go(func() { keep(c.send(sending, url, fresh)) })
		}
	}
}

// urlOf the n-th request.
func (c *Client) urlOf(n int) string {
	if c.FreshEvery > 0 {
		n += n / c.FreshEvery // or every fresh connection could be to the same one
	}
	return c.urls[n%len(c.urls)]
}

// WaitForAnswer asks until an instance answers each URL without an error, or ctx ends.
func (c *Client) WaitForAnswer(ctx context.Context) error {
	for _, url := range c.urls {
		for c.send(ctx, url, true).Class() != Good {
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for a first answer of %s: %w", url, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

var errSentAgain = errors.New("the connection failed under the request, which was sent again")

func (c *Client) send(ctx context.Context, url string, fresh bool) Record {
	r := Record{Started: time.Now(), URL: url, Fresh: fresh}
	var connections atomic.Int32
	// net/http sends a GET again when a kept connection breaks. Other clients do not: to them it is lost.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connections.Add(1) },
	})
	err := c.ask(ctx, &r)
	if err == nil && connections.Load() > 1 {
		err = errSentAgain
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.Ended = time.Now()
	return r
}

func (c *Client) ask(ctx context.Context, r *Record) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return fmt.Errorf("make a request for %s: %w", r.URL, err)
	}
	client := c.kept
	if r.Fresh {
		client = c.single
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	r.Status, r.Release = response.StatusCode, response.Header.Get(web.ReleaseHeader)
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
