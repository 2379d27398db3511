package machines

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"path"
	"text/template"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
)

//go:embed haproxy.cfg.tmpl
var haproxyConfig string

// stateFile is what HAProxy reads the state of its servers from; examples/demo-machines names it too.
const stateFile = "/var/lib/haproxy-state/servers"

// url is where users find the service on a machine with HAProxy.
func (p *Place) url(m *nspawn.Host) string {
	return fmt.Sprintf("http://%s:%d/", m.Address, p.ports.users)
}

// config is haproxy.cfg of a machine.
func (p *Place) config(m *nspawn.Host) ([]byte, error) {
	parsed, err := template.New("haproxy.cfg").Parse(haproxyConfig)
	if err != nil {
		return nil, fmt.Errorf("read the template of haproxy.cfg: %w", err)
	}
	var hosts []*nspawn.Host
	for _, name := range hostNames {
		hosts = append(hosts, p.all[name])
	}
	var text bytes.Buffer
	err = parsed.Execute(&text, map[string]any{
		"StateFile": stateFile, "Address": m.Address, "Port": p.ports.users, "Hosts": hosts, "Blue": p.ports.blue, "Green": p.ports.green,
	})
	if err != nil {
		return nil, fmt.Errorf("write haproxy.cfg: %w", err)
	}
	return text.Bytes(), nil
}

// startHAProxy does what an administrator does once: haproxy.cfg, a directory for the state file, and the right to the stats socket for who
// deploys.
func (p *Place) startHAProxy(ctx context.Context, m *nspawn.Host) error {
	text, err := p.config(m)
	if err != nil {
		return err
	}
	if err := m.WriteFile(ctx, "/etc/haproxy/haproxy.cfg", text, 0o644); err != nil {
		return err
	}
	_, err = m.Run(ctx, fmt.Sprintf("set -e; usermod --append --groups haproxy %[1]s; install -d -o %[1]s -g haproxy %[2]s; systemctl --quiet enable haproxy; systemctl start haproxy",
		nspawn.User, path.Dir(stateFile)))
	if err != nil {
		return fmt.Errorf("start HAProxy: %w\n%s", err, m.Log(ctx))
	}
	return nil
}
