package router_test

import (
	"bytes"
	"context"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/router"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

// The test's own executable is Caddy when it is asked to run, so that none needs to be built or installed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// serve runs one release of the demo's service until the returned function is called, which waits for its end.
func serve(t *testing.T, port int, config web.Config) (stop func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx, listener, web.NewHandler(config)) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve %s: %v", config.Release, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// share replaces the share file as the provider does, by rename.
func share(t *testing.T, c router.Config, text string) {
	t.Helper()
	next := c.ShareFile() + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, c.ShareFile()); err != nil {
		t.Fatal(err)
	}
}

// start runs Caddy, and a client that keeps its records in the returned log until the test ends.
func start(t *testing.T) (router.Config, *traffic.Log) {
	t.Helper()
	ports, err := freeport.Find("127.0.0.1", 4)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := router.Config{
		Binary: self, Directory: t.TempDir(),
		Port: ports[0], AdminPort: ports[1], Blue: ports[2], Green: ports[3],
	}
	var output bytes.Buffer
	caddy, err := router.Start(t.Context(), c, &output)
	if err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	t.Cleanup(func() {
		if err := caddy.Stop(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	log, err := traffic.NewLog(filepath.Join(t.TempDir(), "client.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return c, log
}

// next waits until n further requests that were sent from now on have ended, and returns them.
func next(t *testing.T, log *traffic.Log, n int) []traffic.Record {
	t.Helper()
	now, mark := time.Now(), log.Mark()
	for deadline := now.Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var sent []traffic.Record
		for _, r := range log.Between(mark, log.Mark()) {
			if r.Started.After(now) {
				sent = append(sent, r)
			}
		}
		if len(sent) >= n {
			return sent
		}
	}
	t.Fatalf("fewer than %d requests ended in time", n)
	return nil
}

// A release takes over in steps and the old one is stopped, all under traffic: the shares are what the file says, and
// nothing is lost.
func TestSplitUnderTraffic(t *testing.T) {
	c, log := start(t)
	const v1, v2 = "production/web/v1-00000001", "production/web/v2-00000002"
	stopBlue := serve(t, c.Blue, web.Config{Release: v1})
	client := traffic.NewClient(c.URL())
	if err := client.WaitForAnswer(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		client.Run(ctx, 400, log.Keep)
	}()
	serve(t, c.Green, web.Config{Release: v2})

	for _, step := range []struct {
		text  string
		green float64
	}{{"0000", 0}, {"4000", 0.25}, {"8000", 0.5}, {"0000", 0}, {"g", 1}} {
		share(t, c, step.text)
		const n = 400
		records := next(t, log, n)
		got := float64(traffic.AnswersOf(records, "v2")) / float64(len(records))
		// Five standard deviations: wrong once in millions of runs.
		if slack := 5 * math.Sqrt(step.green*(1-step.green)/n); math.Abs(got-step.green) > slack {
			t.Errorf("with %s in the file green answers %.3f of the requests, want %.2f", step.text, got, step.green)
		}
	}
	stopBlue()
	next(t, log, 100)
	stop()
	<-sent
	if tally := traffic.Count(log.Between(0, log.Mark()), ""); tally.Lost != 0 || tally.Unexpected != 0 {
		t.Errorf("of %d requests %d are lost and %d failed: %v", tally.Requests, tally.Lost, tally.Unexpected, tally.Losses)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

// v5's fault shows through the router alone, since Caddy says for whom it asks.
func TestFaultShowsThroughTheRouter(t *testing.T) {
	c, _ := start(t)
	serve(t, c.Blue, web.Config{Release: "production/web/v5-00000005", Fault: web.FailsUnderTraffic, FaultShare: 1})
	for url, want := range map[string]int{
		c.URL(): http.StatusInternalServerError,
		"http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Blue)) + "/": http.StatusOK,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := new(http.Transport).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %s, want %d", url, response.Status, want)
		}
	}
}
