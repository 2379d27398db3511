package traffic_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

func TestFlood(t *testing.T) {
	var answered, connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered.Add(1)
		if r.Header.Get("Connection") == "close" {
			connections.Add(1)
		}
		w.Header().Set("X-Release", v2)
	}))
	server.Start()
	defer server.Close()
	if err := traffic.NewClient(server.URL).Flood(t.Context(), 500, 8); err != nil {
		t.Error(err)
	}
	if answered.Load() != 500 || connections.Load() != 0 {
		t.Errorf("%d requests were answered, %d of them on connections of their own; want 500, and none", answered.Load(), connections.Load())
	}
}

func TestFloodEndsWithTheFirstThatIsNotAnsweredWell(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Release", v2)
		if asked.Add(1) == 20 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	err := traffic.NewClient(server.URL).Flood(t.Context(), 10_000, 4)
	if err == nil || !strings.Contains(err.Error(), "failed, with status 500") || asked.Load() > 1000 {
		t.Errorf("after %d requests: %v", asked.Load(), err)
	}
}

func TestKeepAliveAlone(t *testing.T) {
	var fresh atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Close {
			fresh.Add(1)
		}
		w.Header().Set("X-Release", v2)
	}))
	defer server.Close()
	client := traffic.NewClient(server.URL)
	client.FreshEvery = 0
	for _, r := range collect(t, client, 50) {
		if r.Fresh {
			t.Fatal("a request says that it came on a fresh connection")
		}
	}
	if fresh.Load() > 0 {
		t.Errorf("%d requests came on connections of their own", fresh.Load())
	}
}
