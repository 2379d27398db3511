// Package account names the users and groups of this machine, for people.
package account

import (
	"os/user"
	"strconv"
)

// User is a user's name, or its number where it has none here.
func User(uid int) string {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

// Group is a group's name, or its number where it has none here.
func Group(gid int) string {
	number := strconv.Itoa(gid)
	if g, err := user.LookupGroupId(number); err == nil {
		return g.Name
	}
	return number
}

// Sudo begins a command line that runs as the user.
func Sudo(uid int) string {
	name := User(uid)
	if name == strconv.Itoa(uid) {
		name = `'#` + name + `'` // as sudo takes numbers
	}
	return "sudo -u " + name
}
