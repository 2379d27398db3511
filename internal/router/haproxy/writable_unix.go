//go:build unix

package haproxy

import "golang.org/x/sys/unix"

func writable(directory string) error { return unix.Access(directory, unix.W_OK|unix.X_OK) }
