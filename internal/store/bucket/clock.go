package bucket

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Clock notes the server's clock: the Date of each response, for whoever made the request, and that there was an answer. Next does
// the requests.
type Clock struct {
	Next func(*http.Request) (*http.Response, error)
}

type dateKey struct{}

// withDate is a context whose requests' responses leave their date, and the date of the last one, in UTC.
func withDate(ctx context.Context) (context.Context, func() time.Time) {
	seconds := new(atomic.Int64)
	return context.WithValue(ctx, dateKey{}, seconds), func() time.Time {
		if s := seconds.Load(); s != 0 {
			return time.Unix(s, 0).UTC()
		}
		return time.Time{}
	}
}

// RoundTrip implements http.RoundTripper.
func (c Clock) RoundTrip(request *http.Request) (*http.Response, error) { return c.Do(request) }

// Do is what cloud libraries ask of a client.
func (c Clock) Do(request *http.Request) (*http.Response, error) {
	response, err := c.Next(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusBadRequest {
		store.Alive(request.Context())
	}
	if seconds, wanted := request.Context().Value(dateKey{}).(*atomic.Int64); wanted {
		if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			seconds.Store(date.Unix())
		}
	}
	return response, nil
}
