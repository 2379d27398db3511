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
	Scrape *ScrapeMetrics `json:"scrape,omitempty"`
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
