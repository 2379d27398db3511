// Package supervisor keeps one instance of a release running on this machine: a small process of its own session that
// starts the instance, starts it again when it dies, keeps its output in log files that rotate (by a third process, which
// outlives it as long as the instance writes), and ends it on SIGTERM.
//
// Launch starts it from a process that may end right after: through two processes, so that nobody has to wait for it.
// What is to be run, secrets included, goes to it through a pipe and stays in memory. A lock on the instance's directory
// is passed on to it as an open file, so that there is no moment in which a second one could be started.
package supervisor
