package service

import (
	"net"
	"strconv"
	"time"
)

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

// HostPlatform runs releases on machines: this one, or those in Hosts over SSH.
type HostPlatform struct {
	// Directory holds releases, logs and, for processes, the supervisor; absolute, the same on every host.
	Directory string `json:"directory"`
	// Address is this machine's address that instances are reached at, 127.0.0.1 by default; empty where there are Hosts.
	Address string `json:"address"`
	// Slots by name, "blue" and "green": one or two.
	Slots map[string]HostSlot `json:"slots"`
	// DrainTimeout is how long an instance may take to stop after SIGTERM, before SIGKILL.
	DrainTimeout Duration `json:"drain_timeout"`
	// Log bounds what the instances write; where systemd supervises, the journal has bounds of its own.
	Log HostLog `json:"log"`

	// Supervisor of the instances: SupervisorProcess or SupervisorSystemd; empty: process.
	Supervisor string   `json:"supervisor,omitempty"`
	Systemd    *Systemd `json:"systemd,omitempty"`
	// Hosts by name, reached over SSH; empty: this machine alone.
	Hosts map[string]Host `json:"hosts,omitempty"`
	// MaxParallel is on how many hosts a release is started at a time. MaxUnavailable bounds it where a new instance takes the place of an old one.
	MaxParallel    int `json:"max_parallel,omitempty"`
	MaxUnavailable int `json:"max_unavailable,omitempty"`
	// KeepReleases is how many releases' files stay on a host, those that run or are kept ready among them.
	KeepReleases int `json:"keep_releases,omitempty"`
	// Reach says how checks and scrapes come to instances on Hosts: ReachAuto, ReachNetwork, ReachSSH; empty: auto.
	Reach string `json:"reach,omitempty"`
	// Existing is what runs there already and becomes the first stable release.
	Existing *ExistingUnit `json:"existing,omitempty"`
}

// Waves is how many parts a release's instances are worked on in, one after the other: 1 where there are no hosts by name. replacing: in
// the place of others.
func (p HostPlatform) Waves(replacing bool) int {
	if len(p.Hosts) == 0 {
		return 1
	}
	parallel := p.Parallel(replacing)
	return (len(p.Hosts) + parallel - 1) / parallel
}

// Parallel is how many hosts are worked on at a time, at least 1.
func (p HostPlatform) Parallel(replacing bool) int {
	parallel := max(p.MaxParallel, 1)
	if replacing {
		parallel = min(parallel, max(p.MaxUnavailable, 1))
	}
	return parallel
}

// What supervises instances, and how they are reached on other machines.
const (
	SupervisorProcess = "process"
	SupervisorSystemd = "systemd"

	ReachAuto    = "auto"
	ReachNetwork = "network"
	ReachSSH     = "ssh"

	ScopeSystem = "system"
	ScopeUser   = "user"

	SecretsEnvironment = "environment"
	SecretsCredentials = "credentials"
)

// Host is another machine.
type Host struct {
	SSH SSH `json:"ssh"`
	// Address that its instances are reached at.
	Address string `json:"address"`
	// Slots in place of the platform's, where its ports are others; nil: the same.
	Slots map[string]HostSlot `json:"slots,omitempty"`
}

// SSH is how one logs in to a machine. Keys and passphrases are names of credentials.
type SSH struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	User    string `json:"user"`
	// PrivateKey in OpenSSH's or PEM form, Passphrase that it is encrypted with; Agent: the keys of the agent at SSH_AUTH_SOCK.
	PrivateKey string `json:"private_key,omitempty"`
	Passphrase string `json:"passphrase,omitempty"`
	Agent      bool   `json:"agent,omitempty"`
	// Certificate of the private key, in the form of a .pub file. It is no secret.
	Certificate string `json:"certificate,omitempty"`
	// HostKey is what the machine must have: lines of "ssh-ed25519 AAAA…", or "@cert-authority ssh-ed25519 AAAA…". KnownHosts is the absolute path of a
	// file such as ~/.ssh/known_hosts. Exactly one of them is set.
	HostKey    string `json:"host_key,omitempty"`
	KnownHosts string `json:"known_hosts,omitempty"`
	// Bastion is the machine that the connection goes through.
	Bastion *SSH `json:"bastion,omitempty"`
	// ConnectTimeout bounds one try to log in.
	ConnectTimeout Duration `json:"connect_timeout"`
}

// Machine names the machine that one comes to, and nothing of how one logs in: two of the same name are one machine.
func (s SSH) Machine() string {
	name := net.JoinHostPort(s.Address, strconv.Itoa(s.Port))
	if s.Bastion != nil {
		name += " through " + s.Bastion.Machine()
	}
	return name
}

// Systemd is how instances are units of it.
type Systemd struct {
	// Scope is ScopeSystem, or ScopeUser for the manager of the user who logs in.
	Scope string `json:"scope"`
	// Sudo: systemctl, journalctl, and what writes units are run by sudo -n.
	Sudo bool `json:"sudo,omitempty"`
	// User and Group that instances run as in the system's scope; empty: who logs in, or a dynamic user where that is root.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	// Secrets come as SecretsEnvironment (an environment file that only the service's manager reads) or SecretsCredentials (LoadCredential).
	Secrets string `json:"secrets"`
	// Unhardened leaves out the restrictions that units have otherwise; Writable are absolute paths that they may write to all the same.
	Unhardened bool     `json:"unhardened,omitempty"`
	Writable   []string `json:"writable,omitempty"`
	// Before are commands that run before each start (ExecStartPre), in the release's directory.
	Before [][]string `json:"before,omitempty"`
	// Limits are resource settings of systemd by name, such as MemoryMax or LimitNOFILE.
	Limits map[string]string `json:"limits,omitempty"`
	// Restart is systemd's policy, RestartDelay the wait before a restart.
	Restart      string   `json:"restart"`
	RestartDelay Duration `json:"restart_delay"`
	// DropIns are files of further settings by name, such as "10-memory.conf".
	DropIns map[string]string `json:"drop_ins,omitempty"`
}

// ExistingUnit is a systemd unit that a user wrote, and that runs on each host on the ports of a slot.
type ExistingUnit struct {
	// Unit such as "web.service"; it is started, stopped and asked, and never written or removed.
	Unit string `json:"unit"`
	// Version that it is known by.
	Version string `json:"version"`
	Slot    string `json:"slot"`
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
	Caddy   *CaddyRouter   `json:"caddy,omitempty"`
	HAProxy *HAProxyRouter `json:"haproxy,omitempty"`
}

// HAProxyRouter splits by the weights of servers in a backend, through the Runtime API of each node.
type HAProxyRouter struct {
	// Nodes by name; all have the same backend.
	Nodes map[string]HAProxyNode `json:"nodes"`
	// Backend that the servers are in.
	Backend string `json:"backend"`
	// Servers of the user's configuration by slot; a slot that is not named has those that are called as it, alone or followed by a hyphen,
	// an underscore or a number.
	Servers map[string][]string `json:"servers,omitempty"`
	// Dynamic: servers are added and removed through the Runtime API, with these keywords behind their address, such as
	// "check inter 1s"; nil: they are in the user's configuration.
	Dynamic *HAProxyDynamic `json:"dynamic,omitempty"`
	// StateFile is the absolute path of the file that each node reads its servers' state from when it starts (server-state-file); empty: none.
	StateFile string `json:"state_file,omitempty"`
	// DrainTimeout is the longest wait for the requests in flight to servers to end.
	DrainTimeout Duration `json:"drain_timeout"`
	// Timeout of one command.
	Timeout Duration `json:"timeout"`
}

// HAProxyWarmUp is how long HAProxy's own checks of a slot's servers may take in all, from when the slot is to get traffic anew until it may
// have it.
const HAProxyWarmUp = time.Minute

// HAProxyNode is one HAProxy process, reached by exactly one of Socket and Address.
type HAProxyNode struct {
	// Socket is the absolute path of a stats socket of level admin, on this machine or on that of SSH.
	Socket string `json:"socket,omitempty"`
	// Address is host:port of a stats socket that listens on TCP; with SSH as seen from there.
	Address string `json:"address,omitempty"`
	SSH     *SSH   `json:"ssh,omitempty"`
}

// HAProxyDynamic is how servers are added.
type HAProxyDynamic struct {
	// Options are keywords of HAProxy's server line, such as "check inter 1s".
	Options string `json:"options,omitempty"`
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
	HAProxy    *HAProxyMetrics    `json:"haproxy,omitempty"`
	Prometheus *PrometheusMetrics `json:"prometheus,omitempty"`
}

// HAProxyMetrics are the counters of the router's own servers.
type HAProxyMetrics struct{}

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
