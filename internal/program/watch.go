package program

// WatchArgument makes our binary watch a program that another process of ours runs.
const WatchArgument = "watch-program"

// watched: this binary calls Watcher, so it can be started again as one.
var watched bool

// order is what a watcher is to run. It holds secrets, and goes through a pipe: no argument list shows it.
type order struct {
	Argv        []string `json:"argv"`
	Directory   string   `json:"directory,omitempty"`
	Environment []string `json:"environment"`
	// Limit ends the program where we do not: when we are stopped ourselves. In nanoseconds.
	Limit int64 `json:"limit"`
}

// report is what a watcher says once.
type report struct {
	// Error is why it could not be started.
	Error string `json:"error,omitempty"`
	// Code and Status are those of Ended.
	Code   int    `json:"code"`
	Status string `json:"status"`
}
