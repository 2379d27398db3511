// Package sshtest runs OpenSSH's sshd for tests, on a loopback port, as whoever runs the tests. It runs on Linux.
package sshtest
