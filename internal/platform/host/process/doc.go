// Package process tells processes apart for certain, signals only those that are meant, and finds out who listens on a
// port, by what the Linux kernel says in /proc and through pidfds.
package process
