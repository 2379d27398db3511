package judging

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/router"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

//go:embed main.tf
var configuration []byte

const (
	// serviceID and stable are what main.tf says.
	serviceID = "production/web"
	stable    = "1.0.0"
	// rate of the client, in requests a second.
	rate = 100
	// floodWorkers send stable's history.
	floodWorkers = 32
	// scrapeLimit is how much longer than two of its intervals a scrape may take to show.
	scrapeLimit = 10 * time.Second
	// endLimit bounds the destroy at the end.
	endLimit = 2 * time.Minute
)

// world is one service with all that is around it, for one setting.
type world struct {
	setting Setting
	// commands is the directory in which a file with a run's number turns the candidate of that run bad.
	commands string
	mirror   string
	cli      *terraform.CLI
	operator operator.Operator
	router   router.Config
	// prometheus runs where the setting wants it.
	prometheus prometheus.Config
	// servers are ended in the reverse order of their start.
	servers []*process.Group
	log     *traffic.Log
	client  *traffic.Sending
	// events is the number of the last event of the ledger that a run has accounted for.
	events int
}

// open makes a world in which the stable release runs, has its history, and has the client's traffic. Also with an error, the world is
// to be closed, where there is one.
func (b *bench) open(ctx context.Context, s Setting) (*world, error) {
	w := &world{setting: s, mirror: b.programs.mirror}
	paths := map[string]string{}
	for _, name := range []string{"configuration", "logs", "router", "store", "host", "commands", "prometheus"} {
		path, err := b.workshop.Make(filepath.Join(s.Name, name))
		if err != nil {
			return nil, err
		}
		paths[name] = path
	}
	ports, err := freeport.Find("127.0.0.1", 5)
	if err != nil {
		return nil, err
	}
	w.commands = paths["commands"]
	w.router = router.Config{
		Binary: b.programs.caddy, Directory: paths["router"], Port: ports[0], AdminPort: ports[1], Blue: ports[2], Green: ports[3],
	}
	w.operator = operator.Operator{Binary: b.programs.provider, Store: "file://" + paths["store"], Service: serviceID}
	w.cli = &terraform.CLI{Found: b.programs.cli, Directory: paths["configuration"], Configuration: b.programs.configuration, Logs: paths["logs"]}
	w.prometheus = prometheus.Config{
		Binary: b.programs.prometheus, Directory: paths["prometheus"], Port: ports[4], Interval: s.Scrapes, Targets: []int{w.router.Blue, w.router.Green},
	}
	if err := w.configure(b.programs.web, paths["host"], w.prometheus.URL()); err != nil {
		return nil, err
	}
	if err := w.startServers(ctx); err != nil {
		return w, err
	}
	if _, err := w.cli.Must(ctx, "init", "-no-color"); err != nil {
		return w, err
	}
	return w, w.install(ctx, b.options.History, b.say)
}

// configure writes the configuration and its variables; the number of the run is given to each apply.
func (w *world) configure(web, host, prometheusURL string) error {
	variables := map[string]any{
		"artifact": web, "store": w.operator.Store, "directory": host, "commands": w.commands,
		"share_file": w.router.ShareFile(), "admin": w.router.AdminURL(), "blue": w.router.Blue, "green": w.router.Green,
	}
	if w.setting.Scrapes > 0 {
		variables["prometheus"] = prometheusURL
	}
	if w.setting.Interval > 0 {
		variables["interval"] = w.setting.Interval.String()
	}
	text, err := json.MarshalIndent(map[string]any{"world": variables}, "", "  ")
	if err == nil {
		err = errors.Join(
			os.WriteFile(filepath.Join(w.cli.Directory, "judging.auto.tfvars.json"), text, 0o600),
			os.WriteFile(filepath.Join(w.cli.Directory, "main.tf"), configuration, 0o600))
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// startServers starts Caddy, and Prometheus where the setting wants it. They live until close, whatever happens to ctx: traffic flows
// while a release is restored.
func (w *world) startServers(ctx context.Context) error {
	caddy, err := logged(filepath.Join(w.cli.Logs, "caddy.log"), func(log *os.File) (*process.Group, error) {
		return router.Start(context.WithoutCancel(ctx), w.router, log)
	})
	if err != nil {
		return err
	}
	w.servers = append(w.servers, caddy)
	if w.setting.Scrapes == 0 {
		return nil
	}
	server, err := logged(filepath.Join(w.cli.Logs, "prometheus.log"), func(log *os.File) (*process.Group, error) {
		return prometheus.Start(context.WithoutCancel(ctx), w.prometheus, log)
	})
	if err != nil {
		return err
	}
	w.servers = append(w.servers, server)
	return nil
}

// logged starts a server that logs to path.
func logged(path string, start func(*os.File) (*process.Group, error)) (*process.Group, error) {
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	// The server has the file open by itself from its start on.
	defer func() { _ = log.Close() }()
	server, err := start(log)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return server, nil
}

// install finalizes the stable release, gives it its history, and begins to send the client's requests.
func (w *world) install(ctx context.Context, history int, say func(string, ...any)) error {
	if _, err := w.cli.Must(ctx, w.apply(0)...); err != nil {
		return err
	}
	client := traffic.NewClient(w.router.URL())
	if err := client.WaitForAnswer(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := client.Flood(ctx, history, floodWorkers); err != nil {
		return err
	}
	if w.setting.Scrapes > 0 {
		// What is not scraped yet is no history to whom asks Prometheus.
		if err := w.prometheus.WaitFor(ctx, "sum(http_requests_total)", float64(history), 2*w.setting.Scrapes+scrapeLimit); err != nil {
			return err
		}
	}
	say("%s is finalized, and has answered %d requests in %.0f s", stable, history, time.Since(began).Seconds())
	var err error
	if w.log, err = traffic.NewLog(filepath.Join(w.cli.Logs, "client.jsonl")); err != nil {
		return err
	}
	w.send(ctx)
	events, err := w.operator.History(ctx)
	w.events = operator.LastNumber(events)
	return err
}

// send sends the client's requests, on connections that are kept alive: the client shall take little of the machine.
func (w *world) send(ctx context.Context) {
	client := traffic.NewClient(w.router.URL())
	client.FreshEvery = 0
	w.client = client.Send(ctx, rate, w.log)
}

// apply are the arguments of an apply of a run.
func (w *world) apply(n int, more ...string) []string {
	return append([]string{"apply", "-no-color", "-auto-approve", "-var=run=" + strconv.Itoa(n)}, more...)
}

// close takes everything down.
func (w *world) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	var errs []error
	if w.client != nil {
		w.client.Stop()
		errs = append(errs, w.log.Close())
	}
	if _, err := os.Stat(filepath.Join(w.cli.Directory, "terraform.tfstate")); err == nil {
		errs = append(errs, w.destroy(ctx))
	}
	for i := len(w.servers) - 1; i >= 0; i-- {
		errs = append(errs, w.servers[i].Stop(leavingLimit))
	}
	return errors.Join(errs...)
}

func (w *world) destroy(ctx context.Context) error {
	// Protection is a fact of the state: it must be lifted before a destroy is planned.
	if _, err := w.cli.Must(ctx, w.apply(0, "-var=deletion_protection=false")...); err != nil {
		return err
	}
	_, err := w.cli.Must(ctx, "destroy", "-no-color", "-auto-approve", "-var=run=0", "-var=deletion_protection=false")
	return err
}
