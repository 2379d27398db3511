//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
	router "github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// keys are the machines' private keys by the names of credentials.
type keys map[string]string

// Lookup implements secureshell.Credentials.
func (k keys) Lookup(name string) (string, error) {
	if key, found := k[name]; found {
		return key, nil
	}
	return "", fmt.Errorf("there is no key %s", name)
}

// connections logs in to the machines as the provider does.
func (w *world) connections() *secureshell.Connections {
	all := keys{}
	for _, h := range append(w.Hosts[:3:3], w.Balancers...) {
		all["key-"+h.Name] = h.Key
	}
	return secureshell.New(all, secureshell.Options{})
}

func loginTo(h *nspawn.Host) service.SSH {
	s := h.SSH("root")
	s.PrivateKey = "key-" + h.Name
	return s
}

// medianGoal is how long a change of the weights may take, in milliseconds.
const medianGoal = 5

// weights measures changes of the weights, each to its end: set on both HAProxy over SSH, and read back from both.
func (w *world) weights(ctx context.Context) error {
	if w.options.changes == 0 {
		return nil
	}
	fmt.Printf("\n%d changes of the weights on both HAProxy over SSH, each read back from both, by the provider's router\n", w.options.changes)
	connections := w.connections()
	defer func() { _ = connections.Close() }()
	for _, s := range []struct{ about, stateFile string }{{"without a state file", ""}, {"with a state file, written to each machine", stateFile}} {
		took, err := w.changes(ctx, connections, s.stateFile)
		if err != nil {
			return err
		}
		w.results = append(w.results, result.Lower("a change of the weights, "+s.about+": median", quantile(took, 0.5), "ms").AtMost(medianGoal),
			result.Lower("a change of the weights, "+s.about+": 99th percentile", quantile(took, 0.99), "ms"))
	}
	return nil
}

// changes are how long each took, in milliseconds. The backend is the one for releases by hand, so that no release is disturbed.
func (w *world) changes(ctx context.Context, connections *secureshell.Connections, file string) ([]float64, error) {
	d := service.HAProxyRouter{Nodes: map[string]service.HAProxyNode{}, Backend: handBackend, StateFile: file}
	machines := map[string]*secureshell.Machine{}
	for _, lb := range w.Balancers {
		s := loginTo(lb)
		d.Nodes[lb.Name] = service.HAProxyNode{Socket: adminSocket, SSH: &s}
		machines[lb.Name] = connections.Machine(s)
	}
	r, err := router.New(d, "production/hand", []string{blue, green}, func(node string) router.Access {
		m := machines[node]
		return router.Access{
			Dial:  func(ctx context.Context) (net.Conn, error) { return m.Dial(ctx, "unix", adminSocket) },
			Files: router.MachineFiles{Machine: m},
		}
	})
	if err != nil {
		return nil, err
	}
	// Nobody listens in one of the slots, or in both: traffic that goes back waits for no checks.
	set := func(share int) error {
		return r.SetWeights(ctx, delivery.Split{Weights: map[string]int{blue: 100 - share, green: share}, Back: true})
	}
	if err := set(50); err != nil {
		return nil, err
	}
	var took []float64
	for n := range w.options.changes {
		began := time.Now()
		if err := set(40 + n%20); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	return took, nil
}
