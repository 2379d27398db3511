package check_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/check"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func httpCheck() *service.HTTPCheck {
	return &service.HTTPCheck{Path: "/", Timeout: 10 * second, Passes: 1}
}

func TestValidateAcceptsWhatIsWhole(t *testing.T) {
	for name, c := range map[string]service.Check{
		"http path": {HTTP: httpCheck()},
		"http url": {HTTP: &service.HTTPCheck{URL: "https://user@pay.example/health?x=1", Method: "POST", Status: []int{100, 599}, Passes: 3, Retries: 2, Timeout: second,
			JSON: map[string]string{"$.status": "ok", "$.items[?(@.id > 1)].name": "[]"}, BodyMatches: "ok|fine", HeaderMatches: map[string]string{"Content-Type": "json"}}},
		"tcp":                 {TCP: &service.TCPCheck{Timeout: second}},
		"tcp elsewhere":       {TCP: &service.TCPCheck{Address: "[::1]:5432", Timeout: second, Retries: 2}},
		"command":             {Command: &service.CommandCheck{Argv: []string{"true"}, Timeout: second, Secrets: map[string]string{"PGPASSWORD": "orders_db"}}},
		"logs":                {Logs: &service.LogsCheck{Deny: []string{"panic:"}}},
		"sql":                 {SQL: &service.SQLCheck{URL: "postgres://u@db:5432/orders", Password: "orders_db", Query: "select 1", Timeout: second}},
		"sql keywords":        {SQL: &service.SQLCheck{URL: "host=db user=u", Query: "select 1", Timeout: second}},
		"metric":              {Metric: &service.MetricCheck{Name: "http_requests_total", Min: pointer(1.0)}},
		"metric rate, bounds": {Metric: &service.MetricCheck{Name: "a:b", Labels: map[string]string{"code": "500"}, Rate: true, Window: second, Min: pointer(1.0), Max: pointer(1.0)}},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := check.Validate(c); len(problems) != 0 {
				t.Errorf("refused: %v", problems)
			}
			if c.WorstCase() <= 0 {
				t.Error("has no worst case")
			}
			if _, err := check.New("it", c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidateNamesTheAttribute(t *testing.T) {
	withHTTP := func(change func(*service.HTTPCheck)) service.Check {
		c := httpCheck()
		change(c)
		return service.Check{HTTP: c}
	}
	command := func(change func(*service.CommandCheck)) service.Check {
		c := &service.CommandCheck{Argv: []string{"true"}, Timeout: second}
		change(c)
		return service.Check{Command: c}
	}
	sql := func(url string) service.Check {
		return service.Check{SQL: &service.SQLCheck{URL: url, Query: "select 1", Timeout: second}}
	}
	metric := func(change func(*service.MetricCheck)) service.Check {
		c := &service.MetricCheck{Name: "m", Min: pointer(1.0)}
		change(c)
		return service.Check{Metric: c}
	}
	const remedy = `password = "<credential>"`
	for name, c := range map[string]struct {
		check        service.Check
		path, detail string
	}{
		"no kind":              {service.Check{}, "", "exactly one of http, tcp, command, logs, sql, metric"},
		"two kinds":            {service.Check{HTTP: httpCheck(), Logs: &service.LogsCheck{}}, "", "http and logs"},
		"neither path nor url": {withHTTP(func(c *service.HTTPCheck) { c.Path = "" }), "http", "exactly one of path"},
		"path and url":         {withHTTP(func(c *service.HTTPCheck) { c.URL = "http://x/" }), "http", "exactly one of path"},
		"relative path":        {withHTTP(func(c *service.HTTPCheck) { c.Path = "healthz" }), "http.path", "slash"},
		"other scheme":         {withHTTP(func(c *service.HTTPCheck) { c.Path, c.URL = "", "ftp://x/" }), "http.url", "http or https"},
		"no host":              {withHTTP(func(c *service.HTTPCheck) { c.Path, c.URL = "", "http:///x" }), "http.url", "http or https"},
		"password in url":      {withHTTP(func(c *service.HTTPCheck) { c.Path, c.URL = "", "http://u:hunter2@x/" }), "http.url", "password"},
		"method":               {withHTTP(func(c *service.HTTPCheck) { c.Method = "GE T" }), "http.method", "method"},
		"HEAD with a body":     {withHTTP(func(c *service.HTTPCheck) { c.Method, c.BodyMatches = "HEAD", "x" }), "http.method", "no body"},
		"status 99":            {withHTTP(func(c *service.HTTPCheck) { c.Status = []int{200, 99} }), "http.status", "99"},
		"status 600":           {withHTTP(func(c *service.HTTPCheck) { c.Status = []int{600} }), "http.status", "100 to 599"},
		"no passes":            {withHTTP(func(c *service.HTTPCheck) { c.Passes = 0 }), "http.passes", "1 or more"},
		"retries":              {withHTTP(func(c *service.HTTPCheck) { c.Retries = -1 }), "http.retries", "negative"},
		"no timeout":           {withHTTP(func(c *service.HTTPCheck) { c.Timeout = 0 }), "http.timeout", "above 0"},
		"interval":             {withHTTP(func(c *service.HTTPCheck) { c.Interval = -1 }), "http.interval", "negative"},
		"latency":              {withHTTP(func(c *service.HTTPCheck) { c.MaxLatency = -1 }), "http.max_latency", "negative"},
		"body pattern":         {withHTTP(func(c *service.HTTPCheck) { c.BodyMatches = "(" }), "http.body_matches", "regular expression"},
		"header pattern":       {withHTTP(func(c *service.HTTPCheck) { c.HeaderMatches = map[string]string{"A": "["} }), "http.header_matches.A", "regular expression"},
		"header name":          {withHTTP(func(c *service.HTTPCheck) { c.Headers = map[string]string{"A B": ""} }), "http.headers.A B", "name of a header"},
		"header value":         {withHTTP(func(c *service.HTTPCheck) { c.Headers = map[string]string{"A": "x\ny"} }), "http.headers.A", "line breaks"},
		"JSONPath":             {withHTTP(func(c *service.HTTPCheck) { c.JSON = map[string]string{"$.[": "1"} }), "http.json.$.[", "JSONPath"},
		"tcp without port":     {service.Check{TCP: &service.TCPCheck{Address: "db", Timeout: second}}, "tcp.address", "host:port"},
		"tcp port":             {service.Check{TCP: &service.TCPCheck{Address: "db:70000", Timeout: second}}, "tcp.address", "host:port"},
		"tcp timeout":          {service.Check{TCP: &service.TCPCheck{}}, "tcp.timeout", "above 0"},
		"no argv":              {command(func(c *service.CommandCheck) { c.Argv = nil }), "command.argv", "program"},
		"empty argv":           {command(func(c *service.CommandCheck) { c.Argv = []string{""} }), "command.argv", "program"},
		"command timeout":      {command(func(c *service.CommandCheck) { c.Timeout = -1 }), "command.timeout", "above 0"},
		"exit code":            {command(func(c *service.CommandCheck) { c.ExitCode = 256 }), "command.exit_code", "0 to 255"},
		"variable":             {command(func(c *service.CommandCheck) { c.Environment = map[string]string{"1A": ""} }), "command.environment.1A", "variable"},
		"our variable":         {command(func(c *service.CommandCheck) { c.Secrets = map[string]string{"DEPLOY_ADDRESS": "x"} }), "command.secrets.DEPLOY_ADDRESS", "itself"},
		"variable twice": {command(func(c *service.CommandCheck) {
			c.Environment, c.Secrets = map[string]string{"A": ""}, map[string]string{"A": "x"}
		}), "command.secrets.A", "one of them"},
		"no deny":            {service.Check{Logs: &service.LogsCheck{}}, "logs.deny", "at least one"},
		"empty deny":         {service.Check{Logs: &service.LogsCheck{Deny: []string{""}}}, "logs.deny", "every line"},
		"deny pattern":       {service.Check{Logs: &service.LogsCheck{Deny: []string{"*"}}}, "logs.deny", "regular expression"},
		"max lines":          {service.Check{Logs: &service.LogsCheck{Deny: []string{"x"}, Max: -1}}, "logs.max", "negative"},
		"sql scheme":         {sql("mysql://db/x"), "sql.url", "postgres://"},
		"sql nonsense":       {sql("orders"), "sql.url", "postgres://"},
		"sql password":       {sql("postgres://u:hunter2@db/x"), "sql.url", remedy},
		"sql empty password": {sql("postgres://u:@db/x"), "sql.url", remedy},
		"sql password query": {sql("postgres://u@db/x?password=hunter2"), "sql.url", remedy},
		"sql password word":  {sql("host=db Password = hunter2"), "sql.url", remedy},
		"sql query":          {service.Check{SQL: &service.SQLCheck{URL: "postgres://db/x", Query: " ", Timeout: second}}, "sql.query", "select"},
		"sql timeout":        {service.Check{SQL: &service.SQLCheck{URL: "postgres://db/x", Query: "select 1"}}, "sql.timeout", "above 0"},
		"metric name":        {metric(func(c *service.MetricCheck) { c.Name = "a-b" }), "metric.name", "series"},
		"label name":         {metric(func(c *service.MetricCheck) { c.Labels = map[string]string{"a-b": ""} }), "metric.labels.a-b", "label"},
		"no bounds":          {metric(func(c *service.MetricCheck) { c.Min = nil }), "metric", "at least one of min and max"},
		"min above max":      {metric(func(c *service.MetricCheck) { c.Max = pointer(0.5) }), "metric.min", "above max"},
		"no number":          {metric(func(c *service.MetricCheck) { c.Max = pointer(math.NaN()) }), "metric.max", "finite"},
		"rate, no window":    {metric(func(c *service.MetricCheck) { c.Rate = true }), "metric.window", "above 0"},
		"window, no rate":    {metric(func(c *service.MetricCheck) { c.Window = second }), "metric.window", "rate = true"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := check.Validate(c.check)
			if len(problems) != 1 {
				t.Fatalf("found %v, wanted one problem", problems)
			}
			if path := strings.Join(problems[0].Path, "."); path != c.path || !strings.Contains(problems[0].Detail, c.detail) {
				t.Errorf("found %q: %q, wanted %q: …%s…", path, problems[0].Detail, c.path, c.detail)
			}
			if strings.Contains(problems[0].Detail, "hunter2") {
				t.Errorf("shows the password: %s", problems[0].Detail)
			}
			if _, err := check.New("it", c.check); err == nil || !strings.Contains(err.Error(), c.detail) {
				t.Errorf("New says %v", err)
			}
		})
	}
}

// What ends a command that has used up its time is in a check's worst case.
func TestCommandsEndWithinTheirWorstCase(t *testing.T) {
	if program.KillGrace > service.CheckGrace {
		t.Errorf("a command may take %s to end, and its worst case has %s for it", program.KillGrace, service.CheckGrace)
	}
}

type checkerFunc func(context.Context, delivery.Target) service.CheckResult

func (f checkerFunc) Run(ctx context.Context, t delivery.Target) service.CheckResult {
	return f(ctx, t)
}

func TestRunAllRunsSideBySide(t *testing.T) {
	// Each waits for the others: one after the other they would never end.
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	here, all := make(chan struct{}), make(chan struct{})
	go func() {
		for range 3 {
			<-here
		}
		close(all)
	}()
	meet := checkerFunc(func(ctx context.Context, _ delivery.Target) service.CheckResult {
		select {
		case here <- struct{}{}:
		case <-ctx.Done():
		}
		select {
		case <-all:
			return service.CheckResult{Passed: true}
		case <-ctx.Done():
			return service.CheckResult{Got: "alone"}
		}
	})
	results := check.RunAll(ctx, map[string]delivery.Checker{"c": meet, "a": meet, "b": meet}, target())
	names := []string{}
	for _, r := range results {
		names = append(names, r.Name)
		if !r.Passed {
			t.Errorf("%s: %s", r.Name, r.Got)
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("order %v", names)
	}
}

func TestRunAllMakesFailuresOfPanics(t *testing.T) {
	to := target("127.0.0.1:1")
	to.Secrets = credentials{"token": "s3cr3t"}
	to.Release.Content.Secrets = map[string]string{"TOKEN": "token"}
	breaks := checkerFunc(func(context.Context, delivery.Target) service.CheckResult { panic("oh s3cr3t") })
	// A platform that panics, below a check of this package.
	logs, err := check.New("logs", service.Check{Logs: &service.LogsCheck{Deny: []string{"x"}}})
	if err != nil {
		t.Fatal(err)
	}
	to.Platform = brokenPlatform{}
	fine := checkerFunc(func(context.Context, delivery.Target) service.CheckResult { return service.CheckResult{Passed: true} })
	results := check.RunAll(t.Context(), map[string]delivery.Checker{"breaks": breaks, "fine": fine, "logs": logs, "nothing": nil}, to)
	if len(results) != 4 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.Passed != (r.Name == "fine") {
			t.Errorf("%s passed: %v", r.Name, r.Passed)
		}
		if r.Name != "fine" && !strings.Contains(r.Got, "broke") {
			t.Errorf("%s got %q", r.Name, r.Got)
		}
		if strings.Contains(r.Got+r.Evidence, "s3cr3t") {
			t.Errorf("%s shows a secret: %s", r.Name, r.Got)
		}
	}
}

type brokenPlatform struct{ delivery.Platform }

func (brokenPlatform) Logs(context.Context, service.Placement, int) ([]string, error) {
	panic("the platform broke, s3cr3t")
}
