package traffic_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

const v2 = "production/web/v2-5c1f9e0b"

// some runs a new client against url until at least n requests have ended, and returns them.
func some(t *testing.T, url string, n int) []traffic.Record {
	t.Helper()
	return collect(t, traffic.NewClient(url), n)
}

// collect is some with a client.
func collect(t *testing.T, client *traffic.Client, n int) []traffic.Record {
	t.Helper()
	log, err := traffic.NewLog(filepath.Join(t.TempDir(), "client.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		client.Run(ctx, 500, log.Keep)
	}()
	for log.Mark() < n && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	records := log.Between(0, log.Mark())
	if len(records) < n {
		t.Fatalf("%d requests ended in time, want %d", len(records), n)
	}
	return records
}

func TestClientClasses(t *testing.T) {
	instance := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Release", v2)
			w.WriteHeader(status)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    traffic.Class
	}{
		"a good answer":                 {instance(200), traffic.Good},
		"an instance's error":           {instance(500), traffic.Failed},
		"an instance's refusal":         {instance(404), traffic.Failed},
		"a router's error":              {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, traffic.Lost},
		"an answer of nobody knows who": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, traffic.Lost},
		"a connection that breaks":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, traffic.Lost},
		"an answer that breaks off midway": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Release", v2)
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		}, traffic.Lost},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			fresh := 0
			records := some(t, server.URL, 20)
			for _, r := range records {
				if r.Class() != test.want {
					t.Fatalf("%+v is %s, want %s", r, r.Class(), test.want)
				}
				if r.Fresh {
					fresh++
				}
			}
			if fresh == 0 || fresh == len(records) {
				t.Errorf("%d of %d requests were on fresh connections, want a mix", fresh, len(records))
			}
		})
	}
}

func TestClientRefused(t *testing.T) {
	for _, r := range some(t, "http://"+component.Refusing(t), 5) {
		if r.Class() != traffic.Lost || !strings.Contains(r.Error, "refused") {
			t.Fatalf("%+v is %s, want it lost since it was refused", r, r.Class())
		}
	}
}

// A kept connection that the server closes under a request is what net/http repairs by itself: it must count as lost.
func TestClientSeesRepairedRequests(t *testing.T) {
	var onConnection atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "close" && onConnection.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Release", v2)
	}))
	server.Start()
	defer server.Close()
	repaired := 0
	for _, r := range some(t, server.URL, 100) {
		if strings.Contains(r.Error, "sent again") && r.Class() == traffic.Lost {
			repaired++
		}
	}
	if repaired == 0 {
		t.Error("no request that was sent again counts as lost")
	}
}

func TestClientStopLosesNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond) // so that some are in flight when the client stops
		w.Header().Set("X-Release", v2)
	}))
	defer server.Close()
	if tally := traffic.Count(some(t, server.URL, 50), ""); tally.Lost != 0 {
		t.Errorf("%d requests are lost: %v", tally.Lost, tally.Losses)
	}
}

func TestWaitForAnswer(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("X-Release", v2)
	}))
	defer server.Close()
	if err := traffic.NewClient(server.URL).WaitForAnswer(t.Context()); err != nil || asked.Load() != 3 {
		t.Errorf("after %d requests: %v, want the third to be the answer", asked.Load(), err)
	}
}
