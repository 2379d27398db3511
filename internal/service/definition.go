package service

// Definition is a service as its users declare it: where it runs, what splits its traffic, what it is judged by,
// who is told. It is kept in the ledger, so that operator commands and recoveries need no HCL.
type Definition struct {
	ID       ID                      `json:"id"`
	Platform Platform                `json:"platform"`
	Router   *Router                 `json:"router,omitempty"`
	Metrics  *Metrics                `json:"metrics,omitempty"`
	Notify   map[string]Notification `json:"notify,omitempty"`
}

// Platform is where instances run; exactly one field is set.
type Platform struct {
	Host *HostPlatform `json:"host,omitempty"`
}

// HostPlatform runs releases as processes of this machine.
type HostPlatform struct {
	// Directory holds releases, logs and the supervisor; absolute.
	Directory string `json:"directory"`
	// Address is the host's address that instances are reached at, 127.0.0.1 by default.
	Address string `json:"address"`
	// Slots by name, "blue" and "green": one or two.
	Slots map[string]HostSlot `json:"slots"`
	// DrainTimeout is how long an instance may take to stop after SIGTERM, before SIGKILL.
	DrainTimeout Duration `json:"drain_timeout"`
	// Log bounds what the instances write.
	Log HostLog `json:"log"`
}

// HostSlot is a place for one release's instances.
type HostSlot struct {
	// Ports, one an instance, in the order of the instances.
	Ports []int `json:"ports"`
}

// HostLog bounds an instance's log files.
type HostLog struct {
	// MaxSize of one file in MiB; MaxFiles older ones are kept beside it.
	MaxSize  int `json:"max_size"`
	MaxFiles int `json:"max_files"`
}

// Router is what splits the traffic; exactly one field is set.
type Router struct {
	Caddy *CaddyRouter `json:"caddy,omitempty"`
}

// CaddyRouter splits by a share file that a stock Caddy reads for each request.
type CaddyRouter struct {
	// ShareFile is the absolute path of the file that holds the share of the candidate slot ("green").
	ShareFile string `json:"share_file"`
	// Admin is the URL of Caddy's admin API, http://localhost:2019 by default; it is only read.
	Admin string `json:"admin"`
	// DrainTimeout is the longest wait for the requests in flight of an upstream to end.
	DrainTimeout Duration `json:"drain_timeout"`
}

// Metrics is what releases are judged by; any field may be set.
type Metrics struct {
	Scrape     *ScrapeMetrics     `json:"scrape,omitempty"`
	Prometheus *PrometheusMetrics `json:"prometheus,omitempty"`
}

// PrometheusMetrics asks a server with Prometheus' HTTP API: Prometheus, Mimir, Thanos, VictoriaMetrics. Texts that are templates may
// hold {{release}}, {{slot}}, {{instances}} and, where it is said, {{interval}}.
type PrometheusMetrics struct {
	// URL of the server, below which api/v1 is; without credentials.
	URL string `json:"url"`
	// Bearer is the name of the credential that holds a token; or Username and the name of the credential that holds its Password.
	Bearer   string `json:"bearer,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// Headers of each request, such as X-Scope-OrgID. They hold no secret.
	Headers map[string]string `json:"headers,omitempty"`
	TLS     *ClientTLS        `json:"tls,omitempty"`
	// Timeout of one request.
	Timeout Duration `json:"timeout"`
	// Preset names the program whose series are counted: "caddy", "haproxy", "traefik"; empty: the instances' own, by their usual names.
	Preset string `json:"preset,omitempty"`
	// Service is a template of the regular expression that a preset finds the placement's series by: of the label service of
	// Traefik, server of HAProxy, handler of Caddy.
	Service string `json:"service,omitempty"`
	// Selector is a template of more matchers of labels, as PromQL writes them: job="web". Where it holds no placeholder of the
	// placement, the instances' addresses are matched as well.
	Selector string `json:"selector,omitempty"`
	// CodeLabel is the label of requests with the HTTP status, by which errors are known where Queries has none of its own.
	CodeLabel string `json:"code_label,omitempty"`
	// Queries in place of the usual ones or a preset's.
	Queries *PrometheusQueries `json:"queries,omitempty"`
}

// PrometheusQueries are templates of PromQL: each a selector of counters, of which the increase is taken, or an expression with
// {{interval}} that is itself a count of what happened in it.
type PrometheusQueries struct {
	Requests string `json:"requests,omitempty"`
	// Errors are those of the requests that failed; empty: those whose code begins with a 5.
	Errors string `json:"errors,omitempty"`
	// DurationBuckets are the buckets of a histogram of seconds, with the label le.
	DurationBuckets string `json:"duration_buckets,omitempty"`
}

// ClientTLS is how a server is verified. There is no way to leave that out.
type ClientTLS struct {
	// CA is certificates in PEM, CAFile the absolute path of a file with such, that are trusted instead of the system's.
	CA     string `json:"ca,omitempty"`
	CAFile string `json:"ca_file,omitempty"`
	// ServerName that the certificate is for, where that is not the URL's host.
	ServerName string `json:"server_name,omitempty"`
}

// ScrapeMetrics reads the instances' own Prometheus exposition.
type ScrapeMetrics struct {
	// Path of the exposition, "/metrics" by default.
	Path string `json:"path"`
	// Port to scrape, 0: the instance's own port.
	Port int `json:"port,omitempty"`
	// Requests names the counter of requests and CodeLabel its label with the HTTP status. Errors are those
	// whose code begins with a 5.
	Requests  string `json:"requests"`
	CodeLabel string `json:"code_label"`
	// Duration names the histogram of durations in seconds.
	Duration string `json:"duration"`
	// Timeout of one scrape.
	Timeout Duration `json:"timeout"`
}

// Notification is a webhook that is told what happens.
type Notification struct {
	// URL is the name of a credential, or a plain URL (with ://) where it holds no secret.
	URL string `json:"url"`
	// On lists "started", "succeeded", "rolled_back", "restore_failed"; empty: all of them.
	On []string `json:"on,omitempty"`
}
