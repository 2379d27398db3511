package service

import "time"

// Check is one check of preflight, smoke test or verification; exactly one field is set.
type Check struct {
	HTTP    *HTTPCheck    `json:"http,omitempty"`
	TCP     *TCPCheck     `json:"tcp,omitempty"`
	Command *CommandCheck `json:"command,omitempty"`
	Logs    *LogsCheck    `json:"logs,omitempty"`
	SQL     *SQLCheck     `json:"sql,omitempty"`
	Metric  *MetricCheck  `json:"metric,omitempty"`
}

// AsksInstances tells whether the check asks the instances of the release under test.
func (c Check) AsksInstances() bool {
	return c.Logs != nil || c.Metric != nil || c.HTTP != nil && c.HTTP.Path != "" || c.TCP != nil && c.TCP.Address == ""
}

// HTTPCheck sends requests and looks at the answers.
type HTTPCheck struct {
	// Exactly one: Path is asked of every instance of the release under test, URL of the place it names.
	Path string `json:"path,omitempty"`
	URL  string `json:"url,omitempty"`
	// Method, GET by default.
	Method  string            `json:"method,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Status lists accepted codes; empty: 200 to 299.
	Status []int `json:"status,omitempty"`
	// BodyMatches is a regular expression (RE2) that the body must match.
	BodyMatches string `json:"body_matches,omitempty"`
	// JSON maps a JSONPath ("$.status") to the value it must have, as text.
	JSON map[string]string `json:"json,omitempty"`
	// HeaderMatches maps a header's name to a regular expression that its value must match.
	HeaderMatches map[string]string `json:"header_matches,omitempty"`
	// MaxLatency bounds the time to the last byte of the body; 0: only Timeout does.
	MaxLatency Duration `json:"max_latency,omitempty"`
	// Timeout of one request.
	Timeout Duration `json:"timeout"`
	// Retries after a failed request, on whatever failure, Interval apart.
	Retries  int      `json:"retries,omitempty"`
	Interval Duration `json:"interval"`
	// Passes that must follow each other without a failure between; at least 1.
	Passes int `json:"passes"`
}

// TCPCheck opens a connection.
type TCPCheck struct {
	// Address host:port; empty: every instance of the release under test.
	Address string   `json:"address,omitempty"`
	Timeout Duration `json:"timeout"`
	Retries int      `json:"retries,omitempty"`
	// Interval between tries.
	Interval Duration `json:"interval"`
}

// CommandCheck runs a program without a shell; it passes on ExitCode.
type CommandCheck struct {
	Argv []string `json:"argv"`
	// Directory to run in; empty: where Terraform runs.
	Directory string `json:"directory,omitempty"`
	// Environment beside PATH, HOME and what the target sets (DEPLOY_RELEASE, DEPLOY_ADDRESS, DEPLOY_ADDRESSES).
	Environment map[string]string `json:"environment,omitempty"`
	// Secrets maps a variable to the name of a credential.
	Secrets  map[string]string `json:"secrets,omitempty"`
	Timeout  Duration          `json:"timeout"`
	ExitCode int               `json:"exit_code"`
	// JUnit is the path of a report that the program writes, read into the result; relative to Directory.
	JUnit string `json:"junit,omitempty"`
}

// LogsCheck reads what the release wrote since it started.
type LogsCheck struct {
	// Deny are regular expressions (RE2); more than Max matching lines fail.
	Deny []string `json:"deny"`
	Max  int      `json:"max"`
}

// SQLCheck asks a PostgreSQL database.
type SQLCheck struct {
	// URL as libpq takes it, without a password.
	URL string `json:"url"`
	// Password is the name of a credential; empty: none.
	Password string `json:"password,omitempty"`
	Query    string `json:"query"`
	// Expect is the text of the first row's first column; nil: the query must only succeed.
	Expect  *string  `json:"expect,omitempty"`
	Timeout Duration `json:"timeout"`
}

// MetricCheck compares a scraped series with bounds.
type MetricCheck struct {
	// Name of the series and Labels it must have; several that match are added up over all instances.
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	// Rate: per second over Window, instead of the value itself.
	Rate   bool     `json:"rate,omitempty"`
	Window Duration `json:"window,omitempty"`
	// At least one bound.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
}

// CheckResult is what came of one check.
type CheckResult struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	// Asked says what was asked of whom, Got what came, in one line each, without secrets.
	Asked string        `json:"asked"`
	Got   string        `json:"got"`
	Took  time.Duration `json:"took"`
	// Evidence is more of what came where it helps (last lines of output, a failing response, failed test cases), bounded.
	Evidence string `json:"evidence,omitempty"`
}
