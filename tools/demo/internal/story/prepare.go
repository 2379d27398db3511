package story

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/router"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
)

// serviceID is the service of examples/demo.
const serviceID = "production/web"

// The programs, by their names below bin.
const (
	providerBinary = "terraform-provider-deploy"
	webBinary      = "web"
	caddyBinary    = "caddy"
)

// build compiles the provider, the service and the router, and finds the CLI.
func (d *Demo) build(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.options.BuildLimit, fmt.Errorf("the builds take longer than %s", d.options.BuildLimit))
	defer cancel()
	for _, b := range []struct{ name, directory, pkg, what string }{
		{providerBinary, ".", ".", "the provider"},
		{webBinary, "tools/demo", "./cmd/web", "the service that is released"},
		{caddyBinary, "tools/demo", "./cmd/caddy", "Caddy"},
	} {
		d.say("building %s", b.what)
		if _, err := d.workshop.Build(ctx, b.name, b.directory, b.pkg); err != nil {
			return err
		}
	}
	found, err := terraform.Find(ctx, d.workshop.Bin(), d.say)
	if err != nil {
		return err
	}
	d.cli = &terraform.CLI{Found: found}
	d.say("using %s", found.Path)
	return nil
}

// prepare lays out the directories, installs the provider and writes the variables of examples/demo.
func (d *Demo) prepare(ctx context.Context) error {
	paths := map[string]string{}
	for _, name := range []string{"configuration", "plugins", "logs", "router", "store", "host"} {
		path, err := d.workshop.Make(name)
		if err != nil {
			return err
		}
		paths[name] = path
	}
	ports, err := router.FreePorts(ctx, 4)
	if err != nil {
		return err
	}
	d.router = router.Config{
		Binary: filepath.Join(d.workshop.Bin(), caddyBinary), Directory: paths["router"],
		Port: ports[0], AdminPort: ports[1], Blue: ports[2], Green: ports[3],
	}
	provider := filepath.Join(d.workshop.Bin(), providerBinary)
	d.mirror = paths["plugins"]
	d.cli.Directory, d.cli.Logs = paths["configuration"], paths["logs"]
	if d.cli.Configuration, err = terraform.Install(d.cli.Found, provider, paths["plugins"]); err != nil {
		return err
	}
	d.operator = operator.Operator{Binary: provider, Store: "file://" + paths["store"], Service: serviceID}
	if err := d.workshop.CopyConfiguration(d.cli.Directory); err != nil {
		return err
	}
	return d.writeVariables(paths["host"])
}

// writeVariables writes what stays the same through the story; web_version is given to each plan.
func (d *Demo) writeVariables(host string) error {
	text, err := json.MarshalIndent(map[string]any{
		"artifact":   filepath.Join(d.workshop.Bin(), webBinary),
		"store":      d.operator.Store,
		"directory":  host,
		"share_file": d.router.ShareFile(),
		"admin":      d.router.AdminURL(),
		"ports":      map[string]int{"router": d.router.Port, "blue": d.router.Blue, "green": d.router.Green},
	}, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(d.cli.Directory, "demo.auto.tfvars.json"), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the variables: %w", err)
	}
	return nil
}

func (d *Demo) startRouter(ctx context.Context) error {
	// It must live until the end, whatever happens to ctx: traffic flows while a release is restored.
	log, err := os.Create(filepath.Join(d.cli.Logs, "caddy.log"))
	if err != nil {
		return fmt.Errorf("make Caddy's log: %w", err)
	}
	// Caddy has the file open by itself from its start on.
	defer func() { _ = log.Close() }()
	if d.caddy, err = router.Start(context.WithoutCancel(ctx), d.router, log); err != nil {
		return fmt.Errorf("%w (%s)", err, log.Name())
	}
	d.say("Caddy listens on %s", d.router.URL())
	return nil
}
