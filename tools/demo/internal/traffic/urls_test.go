package traffic_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// Each URL has its share of the requests, of those on fresh connections and of the others.
func TestURLsShareTheRequests(t *testing.T) {
	var urls []string
	for range 2 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Release", v2) }))
		defer server.Close()
		urls = append(urls, server.URL)
	}
	client := traffic.NewClient(urls...)
	if err := client.WaitForAnswer(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	records := make(chan traffic.Record, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		client.Run(ctx, 500, func(r traffic.Record) { records <- r })
	}()
	const n = 80
	count := map[string]int{}
	fresh := map[string]int{}
	for range n {
		r := <-records
		if count[r.URL]++; r.Fresh {
			fresh[r.URL]++
		}
	}
	cancel()
	<-done
	// They end in about the order in which they were sent.
	for _, url := range urls {
		if count[url] < n/4 || fresh[url] < n/16 {
			t.Errorf("%s has %d of %d requests, %d of them on fresh connections", url, count[url], n, fresh[url])
		}
	}
}
