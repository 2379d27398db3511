package machines_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// busy is a machine that takes its time to log in and to run a script, as under load.
type busy struct {
	machines.Machine
	after time.Duration
}

func (b busy) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(b.after):
	}
}

func (b busy) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	b.wait(ctx)
	return b.Machine.Run(ctx, script, stdin)
}

func (b busy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	b.wait(ctx)
	return b.Machine.Dial(ctx, network, address)
}

// The time that an instance has to answer is its own: what the machine takes for the way there and for the look who listens is not in it.
func TestBusyMachine(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]string{"network": service.ReachNetwork, "ssh": service.ReachSSH} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := hosts(t, 1)
			g := newGround(t, kind{user: machinetest.User, systemd: withSudo.systemd, reach: reach}, all, 1)
			r := g.placed(g.release("1.0.0"), "blue")
			g.started(r, nil)
			const answer = 2 * time.Second
			connect := g.connect
			g.connect = func(name string, s service.SSH) machines.Machine { return busy{connect(name, s), answer + answer/2} }
			g.open()
			i := r.Placement.Instances[0]
			for what, health := range map[string]service.Health{"connection": {}, "answer": {HTTP: &service.HTTPProbe{Path: "/"}}} {
				health.Timeout = service.Duration(answer)
				if err := g.Probe(t.Context(), i, health); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), answer)
			defer cancel()
			if err := g.Probe(ctx, i, service.Health{}); err == nil || ctx.Err() == nil {
				t.Errorf("goes on after its context: %v", err)
			}
		})
	}
}
