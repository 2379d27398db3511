// Command web is the service that the demo releases. Its environment says how it behaves.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

func main() {
	if err := run(); err != nil {
		slog.Error("the service ends", "error", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := web.ConfigFrom(os.Getenv)
	if err != nil {
		return fmt.Errorf("read the configuration from the environment: %w", err)
	}
	address := net.JoinHostPort(config.Address, strconv.Itoa(config.Port))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	slog.Info("the service listens", "address", address, "release", config.Release)
	if err := web.Serve(ctx, listener, web.NewHandler(config)); err != nil {
		return err
	}
	slog.Info("the service ends", "release", config.Release)
	return nil
}
