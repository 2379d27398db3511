//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// counted makes a plan of the fleet over S3, from a server that serves the very files of the local store, and counts the requests
// on the way.
func counted(ctx context.Context, f *fleet, gateway string) ([]result.Result, error) {
	if _, err := os.Stat(gateway); err != nil {
		return nil, fmt.Errorf("the S3 server is missing: %w; make stores builds it", err)
	}
	sidecar := filepath.Join(filepath.Dir(f.dir), "sidecar")
	if err := os.Mkdir(sidecar, 0o700); err != nil {
		return nil, err
	}
	const loopback = "127.0.0.1"
	ports, err := freeport.Find(loopback, 1)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(loopback, strconv.Itoa(ports[0]))
	server := exec.CommandContext(ctx, gateway, "--port", address, "--access", "bench", "--secret", "benchmark", "posix", "--sidecar", sidecar, f.dir) //nolint:gosec // ours
	server.Dir = filepath.Dir(f.dir)
	server.SysProcAttr = ownSession
	var said strings.Builder
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the S3 server: %w", err)
	}
	end := sync.OnceFunc(func() { _ = server.Process.Kill(); _ = server.Wait() })
	defer end()
	if err := awaitServer(ctx, address); err != nil {
		end()
		return nil, fmt.Errorf("%w:\n%s", err, tail(said.String(), 2000))
	}
	var requests atomic.Int64
	behind := &url.URL{Scheme: "http", Host: address}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host // what was signed
		requests.Add(1)
	}}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	front := &http.Server{Handler: proxy, ReadHeaderTimeout: time.Minute}
	go func() { _ = front.Serve(listener) }()
	defer func() { _ = front.Close() }()
	cmd := f.terraform(ctx, f.provider, "plan", "-input=false", "-detailed-exitcode", "-lock=false")
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=benchmark", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"DEPLOY_STORE=s3://store?use_path_style=true&endpoint="+url.QueryEscape("http://"+listener.Addr().String()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("plan over S3: %w\n%s", err, tail(string(out), 4000))
	}
	perService := float64(requests.Load()) / float64(f.services)
	const reading, once = 3, 20 // snapshot, its event, and that there is no later one; the store itself, once a process
	return []result.Result{
		result.Lower(fmt.Sprintf("plan of %d services x 6 stages: requests to the store, counted on the way to S3", f.services), float64(requests.Load()), "requests"),
		result.Lower("requests a service", perService, "requests").AtMost(reading + once/float64(f.services)),
	}, nil
}

func awaitServer(ctx context.Context, address string) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("wait for the S3 server: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
