package check

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// tcpCheck opens a connection.
type tcpCheck struct{ service.TCPCheck }

func (c tcpCheck) problems(add func(detail string, path ...string)) {
	if c.Address != "" {
		addressProblem(add, c.Address, "address")
	}
	positive(add, c.Timeout, "timeout")
	notNegative(add, c.Interval, "interval")
	retriesProblem(add, c.Retries)
}

func (c tcpCheck) persistence() persistence {
	return persistence{retries: c.Retries, passes: 1, interval: c.Interval.D()}
}

func (c tcpCheck) asked(t delivery.Target) string {
	if c.Address != "" {
		return "connect to " + c.Address
	}
	return "connect to " + ofWhom(t)
}

func (c tcpCheck) ask(ctx context.Context, t delivery.Target) outcome {
	if c.Address != "" {
		return everywhere(1, func(int) answer {
			return c.persistence().ask(ctx, func(ctx context.Context) answer {
				return c.once(ctx, c.Address, new(net.Dialer).DialContext)
			})
		})
	}
	all, err := instances(t)
	if err != nil {
		return failed("%v", err)
	}
	return everywhere(len(all), func(i int) answer {
		return c.persistence().ask(ctx, func(ctx context.Context) answer { return c.once(ctx, all[i].Address, dialer(t, all[i])) })
	})
}

func (c tcpCheck) once(ctx context.Context, address string, dial dial) answer {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.D())
	defer cancel()
	connection, err := dial(ctx, "tcp", address)
	took := time.Since(started).Round(100 * time.Microsecond)
	if err != nil {
		return answer{said: fmt.Sprintf("no connection to %s after %s: %v", address, took, err)}
	}
	// Nothing was written: there is nothing that closing could lose.
	_ = connection.Close()
	return answer{ok: true, said: fmt.Sprintf("%s accepted within %s", address, took)}
}
